/* SPDX-License-Identifier: MIT */
/* Echo requests and replies of ICMP (RFC 792) and ICMPv6 (RFC 4443), as a datagram socket of Linux takes and gives
 * them: without an IP header; identifier and checksum are the kernel's.  Pure. */
#ifndef T3OPS_PLUGINS_PROBE_ICMP_ECHO_MESSAGE_H
#define T3OPS_PLUGINS_PROBE_ICMP_ECHO_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ECHO_BYTES 64 /* of a request */

/* Writes a request with that number. */
void echo_request(bool v6, uint16_t number, unsigned char out[ECHO_BYTES]);
/* Whether it is the reply to a request of ours: its number. */
bool echo_reply(bool v6, const unsigned char *message, size_t len, uint16_t *number);

#endif
