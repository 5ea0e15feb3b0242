/* SPDX-License-Identifier: MIT */
/* Networks in CIDR notation, IPv4 and IPv6.  Pure. */
#ifndef T3OPS_NET_CIDR_H
#define T3OPS_NET_CIDR_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>

/* IPv4 is kept as v4-mapped IPv6. */
struct cidr {
	unsigned char address[16];
	unsigned bits;
};

struct cidr_list {
	struct cidr *rows;
	size_t n;
};

enum cidr_result {
	CIDR_OK,
	CIDR_HOST_BITS, /* "10.0.20.5/24": *out is then the network of that address */
	CIDR_INVALID,
};

/* "10.0.20.0/24", "::1", "fd00::/8". */
enum cidr_result cidr_parse(const char *text, struct cidr *out);
/* As cidr_parse reads it. */
void cidr_text(const struct cidr *c, char *out, size_t size);

/* Adds what text says, unless it is not CIDR_OK. */
enum cidr_result cidr_list_add(struct cidr_list *l, const char *text);
void cidr_list_fini(struct cidr_list *l);
bool cidr_has(const struct cidr_list *l, const struct sockaddr *peer);

/* The peer's numeric address without port ("" for a Unix socket). */
void peer_name(const struct sockaddr *peer, char *out, size_t size);

#endif
