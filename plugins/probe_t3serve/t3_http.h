/* SPDX-License-Identifier: MIT */
/* GET /api/auth/session on a connection of its own: whether a t3 server answers HTTP as one. */
#ifndef T3OPS_PLUGINS_PROBE_T3SERVE_T3_HTTP_H
#define T3OPS_PLUGINS_PROBE_T3SERVE_T3_HTTP_H

#include "plugin.h"

struct t3_http_handler {
	void (*on_step)(void *arg, uint32_t step);
	/* why: NULL, or how it failed. */
	void (*on_end)(void *arg, const struct t3ops_ws_end *why);
};

/* Zeroed is idle. */
struct t3_http {
	struct t3ops_ctx *ctx;
	const struct t3_http_handler *handler;
	void *arg;
	uint64_t fetch; /* 0: none is in progress */
	uint64_t timeout_us;
};

/* Only while none is in progress; the handler is called later. */
void t3_http_ask(struct t3_http *h, const struct t3ops_user *user);
void t3_http_cancel(struct t3_http *h);

#endif
