/* SPDX-License-Identifier: MIT */
/* The certificates that the far side of a TLS connection showed.  Any process. */
#ifndef T3OPS_NET_CERTIFICATE_H
#define T3OPS_NET_CERTIFICATE_H

#include <curl/curl.h>
#include <stdint.h>

/* Before the transfer: keep what is shown. */
void certificate_keep(CURL *easy);
/* After the handshake: when the first of those shown expires, since 1970.  0: none was shown, the connection was made
 * for an earlier transfer, or a year beyond all sense. */
uint64_t certificate_until_us(CURL *easy);

#endif
