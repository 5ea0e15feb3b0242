/* SPDX-License-Identifier: MIT */
/* The certificates that the far side of a TLS connection showed.  Any process. */
#ifndef T3OPS_NET_CERTIFICATE_H
#define T3OPS_NET_CERTIFICATE_H

#include <curl/curl.h>
#include <stdbool.h>
#include <stdint.h>

/* Before the transfer: keep what is shown. */
void certificate_keep(CURL *easy);
/* From when to when all of those shown are valid, since 1970; until_us 0: not known. */
struct certificate_span {
	uint64_t from_us, until_us;
};

/* After the handshake: what certificate_until_us says, and from when on. */
struct certificate_span certificate_span(CURL *easy);
/* Of what was refused for its dates alone: whether this machine's clock may be what is wrong.  there_us: what time it
 * is by the far side's own clock, 0: it did not say. */
bool certificate_blames_clock(const struct certificate_span *span, uint64_t here_us, uint64_t there_us);
/* After the handshake: when the first of those shown expires, since 1970.  0: none was shown, the connection was made
 * for an earlier transfer, or a year beyond all sense. */
uint64_t certificate_until_us(CURL *easy);

#endif
