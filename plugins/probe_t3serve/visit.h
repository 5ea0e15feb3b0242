/* SPDX-License-Identifier: MIT */
/*
 * A fresh connection beside the leg, as of a user who comes now: HTTP, then a WebSocket of its own with the leg's
 * session, one Ping, and an orderly close.  Without a session, HTTP alone.
 */
#ifndef T3OPS_PLUGINS_PROBE_T3SERVE_VISIT_H
#define T3OPS_PLUGINS_PROBE_T3SERVE_VISIT_H

#include "probe_t3serve/session.h"
#include "probe_t3serve/t3_http.h"
#include "probe_t3serve/t3_socket.h"

struct visit {
	struct t3ops_ctx *ctx;
	struct t3ops_leg *leg;
	struct session *session; /* NULL: HTTP alone */
	/* The t3 server refused the session. */
	void (*on_refused)(void *arg);
	void *arg;
	struct t3_http http;
	struct t3_socket socket;
	uint64_t began_us;
};

void visit_init(struct visit *v, uint64_t timeout_us);
/* One that is not over yet is abandoned. */
void visit_begin(struct visit *v);
void visit_stop(struct visit *v);

#endif
