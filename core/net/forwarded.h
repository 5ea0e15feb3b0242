/* SPDX-License-Identifier: MIT */
/*
 * Who a request came from before it came through proxies, and under which host name: Forwarded (RFC 7239),
 * X-Forwarded-For, and fields that hold one address.  Each proxy adds at the end what it saw, so they are believed
 * from the end on, as long as what they name is a trusted proxy; whatever stands in front of the first one that is
 * not, or that cannot be read, anybody may have written.  Pure.
 */
#ifndef T3OPS_NET_FORWARDED_H
#define T3OPS_NET_FORWARDED_H

#include "net/cidr.h"
#include "net/http_head.h"

#define FORWARDED_ADDRESS_SIZE 48

/* "192.0.2.1", "192.0.2.1:4711", "[2001:db8::1]", "[2001:db8::1]:4711", "2001:db8::1": the address as inet_ntop
 * writes it, an IPv4 address in an IPv6 one as IPv4.  False: it is none ("unknown", "_name", anything else). */
bool forwarded_node_parse(struct span node, char out[FORWARDED_ADDRESS_SIZE]);

/* The client's address by all lines of X-Forwarded-For, or by the for= of all lines of Forwarded; "" if they name
 * none.  If every address is a trusted proxy's it is the first one. */
void forwarded_for_find(const struct http_head *h, const struct cidr_list *trusted, char out[FORWARDED_ADDRESS_SIZE]);
void forwarded_find(const struct http_head *h, const struct cidr_list *trusted, char out[FORWARDED_ADDRESS_SIZE]);
/* Of a field that holds one: "" if there is none, it is no address, or it was sent twice. */
void forwarded_single_find(const struct http_head *h, const char *name, char out[FORWARDED_ADDRESS_SIZE]);

/* The host that the client asked for, by the host= of Forwarded, believed as the addresses are; at NULL: none. */
struct span forwarded_host_find(const struct http_head *h, const struct cidr_list *trusted);
/* The last one of X-Forwarded-Host; at NULL: none. */
struct span forwarded_x_host_find(const struct http_head *h);

#endif
