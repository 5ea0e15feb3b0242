/* SPDX-License-Identifier: MIT */
/* Networks in CIDR notation, IPv4 and IPv6.  Pure. */
#ifndef T3OPS_NET_CIDR_H
#define T3OPS_NET_CIDR_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>

#define CIDRS_MAX 64

/* IPv4 is kept as v4-mapped IPv6. */
struct cidr {
	unsigned char address[16];
	unsigned bits;
};

struct cidr_list {
	struct cidr rows[CIDRS_MAX];
	size_t n;
};

/* "10.0.20.0/24", "::1", "fd00::/8".  False: not a network, or bits beyond the prefix are set. */
bool cidr_parse(const char *text, struct cidr *out);
bool cidr_has(const struct cidr_list *l, const struct sockaddr *peer);

/* The peer's numeric address without port ("" for a Unix socket). */
void peer_name(const struct sockaddr *peer, char *out, size_t size);

#endif
