/* SPDX-License-Identifier: MIT */
/* Fresh connections; see visit.h. */
#include "probe_t3serve/visit.h"

#define HTTP_UNAUTHORIZED 401

static const struct t3ops_user *user_of(const struct visit *v)
{
	return v->ctx->host->leg_user(v->ctx, v->leg);
}

static void works(struct visit *v)
{
	v->ctx->host->leg_fresh_up(v->ctx, v->leg, v->ctx->host->now_us(v->ctx) - v->began_us);
}

static void on_step(void *arg, uint32_t step)
{
	const struct visit *v = arg;

	v->ctx->host->leg_reached(v->ctx, v->leg, step);
}

/* ---- the WebSocket ------------------------------------------------------------------------------------------- */

static void on_open(void *arg)
{
	on_step(arg, T3OPS_STEP_OPEN);
}

static void on_pong(void *arg)
{
	struct visit *v = arg;

	t3_socket_close(&v->socket);
	works(v);
}

/* A refused session is no fault of the connection, which was answered. */
static void on_socket_end(void *arg, const struct t3ops_ws_end *why, enum t3_socket_state was)
{
	struct visit *v = arg;

	(void)was;
	if (why->step != T3OPS_STEP_HTTP || why->code != HTTP_UNAUTHORIZED) {
		v->ctx->host->leg_fresh_down(v->ctx, v->leg, why);
		return;
	}
	works(v);
	v->on_refused(v->arg);
}

/* ---- HTTP ------------------------------------------------------------------------------------------------------ */

static void on_http_end(void *arg, const struct t3ops_ws_end *why)
{
	struct visit *v = arg;

	if (why)
		v->ctx->host->leg_fresh_down(v->ctx, v->leg, why);
	else if (v->session && session_cookie(v->session)[0] != '\0')
		t3_socket_open(&v->socket, user_of(v), session_cookie(v->session));
	else
		works(v);
}

/* ---- for the leg ----------------------------------------------------------------------------------------------- */

void visit_init(struct visit *v, uint64_t timeout_us)
{
	static const struct t3_http_handler http = {on_step, on_http_end};
	static const struct t3_socket_handler socket = {on_open, on_pong, on_socket_end};

	v->http = (struct t3_http){.ctx = v->ctx, .handler = &http, .arg = v, .timeout_us = timeout_us};
	v->socket = (struct t3_socket){.ctx = v->ctx, .handler = &socket, .arg = v, .timeout_us = timeout_us};
}

void visit_begin(struct visit *v)
{
	visit_stop(v);
	v->began_us = v->ctx->host->now_us(v->ctx);
	t3_http_ask(&v->http, user_of(v));
}

void visit_stop(struct visit *v)
{
	t3_http_cancel(&v->http);
	t3_socket_close(&v->socket);
}
