/* SPDX-License-Identifier: MIT */
/* Heads as they leave t3ops: hop-by-hop fields end here (RFC 9110 7.6.1), what plugins changed is
 * applied, the forwarding fields are made anew.  Proxy. */
#ifndef T3OPS_PROXY_REWRITE_H
#define T3OPS_PROXY_REWRITE_H

#include "sys/buf.h"
#include "proxy/exchange.h"

#define FORWARDS_ANY UINT64_MAX

/* How often an OPTIONS may still be passed on (Max-Forwards, RFC 9110 7.6.2); FORWARDS_ANY: nobody minds. */
uint64_t forwards_left(const struct http_head *h);
/* The request's head for the instance; false without memory. */
bool rewrite_request(const struct exchange *x, struct buf *out);
/* The answer's head for the client, with what plugins added; interim: a 1xx other than 101. */
bool rewrite_response(const struct exchange *x, const struct http_head *h, bool keep_alive, struct buf *out);
bool rewrite_interim(const struct http_head *h, struct buf *out);

/* Where the request came from, as far as the peer may be believed. */
void client_address(const struct exchange *x, char *out, size_t size);
/* Suffix of CF-Ray, "" without a trusted one. */
void client_colo(const struct exchange *x, char *out, size_t size);

#endif
