/* SPDX-License-Identifier: MIT */
/* The WebSocket of one leg; see t3_socket.h. */
#include "probe_t3serve/t3_socket.h"

#include <stdio.h>
#include <string.h>

#include "common/t3_url.h"
#include "probe_t3serve/session_text.h"

#define CLOSE_NORMAL 1000
#define MESSAGE_MAX  (64u << 10)

static const char ping_text[] = "{\"_tag\":\"Ping\"}";

/* The only place that changes it. */
static void state_set(struct t3_socket *s, enum t3_socket_state state)
{
	s->state = state;
}

static void limit_stop(struct t3_socket *s)
{
	s->ctx->host->timer_stop(s->ctx, s->limit);
	s->limit = NULL;
}

static void end(struct t3_socket *s, const struct t3ops_ws_end *why)
{
	enum t3_socket_state was = s->state;

	limit_stop(s);
	s->ws = NULL;
	state_set(s, T3_SOCKET_CLOSED);
	s->handler->on_end(s->arg, why, was);
}

/* ---- Ping and Pong ---------------------------------------------------------------------------------------- */

static void on_limit(struct t3ops_ctx *ctx, void *arg)
{
	struct t3_socket *s = arg;
	struct t3ops_ws *ws = s->ws;

	s->limit = NULL; /* its timer is gone after this callback */
	ctx->host->ws_close(ctx, ws, CLOSE_NORMAL);
	end(s, &(struct t3ops_ws_end){.struct_size = sizeof(struct t3ops_ws_end),
	                              .step = T3OPS_STEP_OPEN,
	                              .reason = T3OPS_R_HEARTBEAT_TIMEOUT,
	                              .text = "t3's Ping on the WebSocket is not answered"});
}

void t3_socket_ping(struct t3_socket *s)
{
	const struct t3ops_host *host = s->ctx->host;

	if (s->limit || !s->ws)
		return;
	s->asked_us = host->now_us(s->ctx);
	s->limit = host->timer_start(s->ctx, s->timeout_us, 0, on_limit, s);
	host->ws_send(s->ctx, s->ws, T3OPS_WS_TEXT, ping_text, sizeof ping_text - 1); /* a failure ends it */
}

/* The server sends nothing that was not asked for, and what else it may say is no answer. */
static bool is_pong(int op, const char *data, size_t len)
{
	return op == T3OPS_WS_TEXT && memmem(data, len, "\"_tag\"", 6) && memmem(data, len, "\"Pong\"", 6);
}

static void on_message(struct t3ops_ctx *ctx, struct t3ops_ws *ws, int op, const void *data, size_t len, void *arg)
{
	struct t3_socket *s = arg;

	(void)ctx, (void)ws;
	if (!s->limit || !is_pong(op, data, len))
		return;
	limit_stop(s);
	state_set(s, T3_SOCKET_OPEN);
	s->handler->on_pong(s->arg);
}

/* ---- opening and closing ------------------------------------------------------------------------------------ */

static void on_open(struct t3ops_ctx *ctx, struct t3ops_ws *ws, void *arg)
{
	struct t3_socket *s = arg;

	(void)ctx;
	s->ws = ws;
	state_set(s, T3_SOCKET_PROVING);
	if (s->handler->on_open)
		s->handler->on_open(s->arg);
	t3_socket_ping(s);
}

static void on_end(struct t3ops_ctx *ctx, struct t3ops_ws *ws, const struct t3ops_ws_end *why, void *arg)
{
	(void)ctx, (void)ws;
	end(arg, why);
}

void t3_socket_open(struct t3_socket *s, const struct t3ops_user *user, const char *cookie)
{
	static const struct t3ops_ws_handler handler = {.struct_size = sizeof handler,
	                                                .on_open = on_open,
	                                                .on_message = on_message,
	                                                .on_end = on_end,
	                                                .max_message = MESSAGE_MAX};
	char url[128], header[COOKIE_SIZE + 16];
	const char *const headers[] = {header, NULL};
	struct t3ops_ws_open open = {.struct_size = sizeof open,
	                             .url = url,
	                             .user = user->name,
	                             .headers = headers,
	                             .timeout_us = s->timeout_us};

	t3_url("ws", user->host, user->port, "/ws", url, sizeof url);
	snprintf(header, sizeof header, "Cookie: %s", cookie);
	state_set(s, T3_SOCKET_OPENING);
	s->ws = s->ctx->host->ws_open(s->ctx, &open, &handler, s);
	explicit_bzero(header, sizeof header);
	if (!s->ws)
		end(s, &(struct t3ops_ws_end){.struct_size = sizeof(struct t3ops_ws_end),
		                              .step = T3OPS_STEP_CONNECT,
		                              .reason = T3OPS_R_LOCAL,
		                              .text = "no memory"});
}

void t3_socket_close(struct t3_socket *s)
{
	if (s->state == T3_SOCKET_CLOSED)
		return;
	limit_stop(s);
	s->ctx->host->ws_close(s->ctx, s->ws, CLOSE_NORMAL);
	s->ws = NULL;
	state_set(s, T3_SOCKET_CLOSED);
}
