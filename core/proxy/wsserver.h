/* SPDX-License-Identifier: MIT */
/*
 * WebSockets that end at a plugin (RFC 6455, server side): wslay frames them (framing.h).  Gets a descriptor, a head
 * and what came with it, and knows nothing of where they come from.  Proxy.
 *
 *   NEW --wsserver_begin--> OPEN --either side closes--> CLOSING --both did, or in time--> (freed)
 */
#ifndef T3OPS_PROXY_WSSERVER_H
#define T3OPS_PROXY_WSSERVER_H

#include "net/http_head.h"
#include "plugin_host/plugin_host.h"

struct worker;

/* worker->wsservers.  NULL without memory. */
struct wsservers *wsservers_new(void);
void wsservers_free(struct wsservers *all); /* none may be open */
bool wsservers_is_empty(const struct wsservers *all);

/* 0, or the status for a handshake that cannot be completed: 426 for another version, 400 for a malformed key. */
int wsserver_check(const struct http_head *h);

/* What one is made of; everything is copied. */
struct wsserver_start {
	const struct http_head *head; /* the request's; it has passed wsserver_check */
	struct span extra;            /* header lines for the 101 */
	struct span early;            /* what came after the request's head */
};

/* For a plugin that accepts one: it can already send.  NULL without memory. */
struct t3ops_ws *wsserver_new(struct worker *worker, struct t3ops_instance *i, const struct wsserver_start *start,
                              const struct t3ops_ws_handler *h, void *arg);
/* Takes the descriptor and sends the 101. */
void wsserver_begin(struct t3ops_ws *ws, int fd);

/* The services (plugin.h). */
int wsserver_send(struct t3ops_ctx *ctx, struct t3ops_ws *ws, int op, const void *data, size_t len);
void wsserver_close(struct t3ops_ctx *ctx, struct t3ops_ws *ws, int code);

uint64_t wsserver_waited_us(struct t3ops_ctx *ctx, struct t3ops_ws *ws);

/* Closes all of them with that code; on_end of their plugins is called at once.  The connections follow within
 * seconds; `now`: with this call, for the end of the process. */
void wsservers_close_all(struct worker *worker, int code, bool now);

#endif
