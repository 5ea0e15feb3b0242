/* SPDX-License-Identifier: MIT */
/* The two DNS messages (RFC 1035) that a lookup over HTTPS (RFC 8484) needs: a question for one name's
 * addresses, and its answer.  Pure; the answer comes from the network and may be anything. */
#ifndef T3OPS_PLUGINS_PROBE_CLOUDFLARE_DNS_MESSAGE_H
#define T3OPS_PLUGINS_PROBE_CLOUDFLARE_DNS_MESSAGE_H

#include <netinet/in.h>
#include <stddef.h>
#include <stdint.h>

enum dns_type { DNS_A = 1, DNS_AAAA = 28 };

#define DNS_QUERY_MAX     300
#define DNS_ADDRESSES_MAX 16

/* What an answer says. */
struct dns_answer {
	unsigned rcode; /* 0: no error, 3: no such name */
	unsigned n;     /* addresses of the type asked for, wherever a chain of CNAMEs led */
	char addresses[DNS_ADDRESSES_MAX][INET6_ADDRSTRLEN];
};

/* The question, with id 0 as RFC 8484 wants it.  Its length, or -EINVAL for what is not a host name. */
int dns_query_make(const char *name, enum dns_type type, uint8_t out[DNS_QUERY_MAX]);
/* 0, or -EPROTO for what is not an answer to such a query. */
int dns_answer_read(const void *bytes, size_t len, enum dns_type type, struct dns_answer *out);

#endif
