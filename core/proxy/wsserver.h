/* SPDX-License-Identifier: MIT */
/* WebSockets that end at a plugin (RFC 6455, server side): wslay frames them.  Proxy. */
#ifndef T3OPS_PROXY_WSSERVER_H
#define T3OPS_PROXY_WSSERVER_H

#include "proxy/exchange.h"

/* 0, or the status for a handshake that cannot be completed: 426 for another version, 400 for a key that is none. */
int wsserver_check(const struct http_head *h);
/* Prepares one for the request of x, whose handshake is good; wsserver_begin then takes the client's connection. */
struct t3ops_ws *wsserver_new(struct exchange *x, struct t3ops_instance *i, const struct t3ops_ws_handler *h,
                              void *arg);
/* Sends the 101 and ends the exchange. */
void wsserver_begin(struct exchange *x);

/* The services (plugin.h). */
int wsserver_send(struct t3ops_ctx *ctx, struct t3ops_ws *ws, int op, const void *data, size_t len);
void wsserver_close(struct t3ops_ctx *ctx, struct t3ops_ws *ws, int code);

/* Closes all of them with that code; their plugins receive of it at once.  The connections follow within
 * seconds; `now`: with this call, for the end of the process. */
void wsserver_close_all(struct proxy *f, int code, bool now);

#endif
