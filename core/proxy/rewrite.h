/* SPDX-License-Identifier: MIT */
/* Heads as they leave t3ops: hop-by-hop fields end here (RFC 9110 7.6.1), what plugins changed is applied, the
 * forwarding fields are made anew.  Proxy. */
#ifndef T3OPS_PROXY_REWRITE_H
#define T3OPS_PROXY_REWRITE_H

#include "proxy/date.h"
#include "proxy/proxy_conf.h"
#include "proxy/request.h"
#include "sys/buf.h"

/* The request's head for the t3 server; false without memory. */
bool rewrite_request(const struct request *r, const struct proxy_conf *conf, struct buf *out);
/* The response's head for the client, with what plugins added; date: for one that has none. */
bool rewrite_response(const struct request *r, const struct http_head *h, bool keep_alive, struct date *date,
                      struct buf *out);
/* An interim one: a 1xx other than 101. */
bool rewrite_interim(const struct http_head *h, struct buf *out);

#endif
