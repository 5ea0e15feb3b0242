/* SPDX-License-Identifier: MIT */
/*
 * probe_t3serve: one leg a user, straight to the user's t3 server, in the two ways in which a page uses it: an HTTP
 * request on a connection of its own, and a WebSocket that stays open (t3_socket.h), with a session of the probe's
 * own (session.h).  Both have to answer a heartbeat.  Without a session, HTTP alone counts: that none can be made is
 * no fault of the server's connections.
 *
 *   attempt:    HTTP -> session alive -> WebSocket, Ping, Pong -> up;  no session -> up, and a session is made
 *   heartbeat:  HTTP and Ping -> answered when both are
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "plugin.h"
#include "probe_t3serve/session.h"
#include "probe_t3serve/t3_http.h"
#include "probe_t3serve/t3_socket.h"
#include "probe_t3serve/visit.h"

#define HTTP_UNAUTHORIZED 401

/* One leg's connection. */
struct serve_leg {
	struct t3ops_ctx *ctx;
	struct t3ops_leg *leg;
	struct session *session; /* NULL: the option websocket is off */
	struct t3_http http;
	struct t3_socket socket;
	struct visit visit; /* beside it */
	bool up;

	uint64_t beat_us;                /* when the heartbeat that is out was sent; 0: none is */
	bool http_pending, ping_pending; /* of it */
	uint64_t http_us;                /* of the last answer over HTTP */

	/* A WebSocket that the server closed: whether its session was taken away is being asked. */
	struct t3ops_ws_end closed;
	bool is_closed;
};

static void session_seek(struct serve_leg *s);

/* ---- what the leg reports ----------------------------------------------------------------------------------- */

static void websocket_show(const struct serve_leg *s, bool open)
{
	const struct t3ops_user *user = s->ctx->host->leg_user(s->ctx, s->leg);

	if (s->session)
		s->ctx->host->gauge(s->ctx, METRIC_WEBSOCKET, (const char *[]){user->name}, open);
}

static void down(struct serve_leg *s, uint32_t step, uint32_t reason, int code, const char *text)
{
	struct t3ops_ws_end end = {
	    .struct_size = sizeof end, .step = step, .reason = reason, .code = code, .text = text};

	s->up = false;
	s->ctx->host->leg_down(s->ctx, s->leg, &end);
}

static void up(struct serve_leg *s)
{
	if (s->up)
		return;
	s->up = true;
	s->ctx->host->leg_up(s->ctx, s->leg);
}

static void beat_end(struct serve_leg *s)
{
	uint64_t sent_us = s->beat_us;

	if (sent_us == 0 || s->http_pending || s->ping_pending || s->is_closed)
		return;
	s->beat_us = 0;
	s->ctx->host->leg_pong(s->ctx, s->leg, s->ctx->host->now_us(s->ctx) - sent_us);
}

/* ---- the WebSocket -------------------------------------------------------------------------------------------- */

static void on_pong(void *arg)
{
	struct serve_leg *s = arg;

	websocket_show(s, true);
	s->ping_pending = false;
	if (s->up)
		beat_end(s);
	else
		up(s);
}

/* A session that the server refuses says nothing about its connections; another one is made when it is time. */
static void refused(struct serve_leg *s)
{
	session_forget(s->session);
	up(s);
	session_seek(s);
}

/* Whether the server answered on HTTP since the Ping that it does not answer, and owes no answer there. */
static bool http_alone_works(const struct serve_leg *s)
{
	return s->http_us > s->socket.asked_us && s->http.fetch == 0;
}

static void socket_down(struct serve_leg *s, const struct t3ops_ws_end *end)
{
	bool deaf = end->reason == T3OPS_R_HEARTBEAT_TIMEOUT && http_alone_works(s);
	char text[128];

	snprintf(text, sizeof text, "%s%s", end->text, deaf ? ", while HTTP is" : "");
	down(s, end->step, end->reason, end->code, text);
}

static void on_socket_end(void *arg, const struct t3ops_ws_end *end, enum t3_socket_state was)
{
	struct serve_leg *s = arg;

	websocket_show(s, false);
	s->ping_pending = false;
	if (end->step == T3OPS_STEP_HTTP && end->code == HTTP_UNAUTHORIZED) {
		refused(s);
	} else if (was == T3_SOCKET_OPEN && end->reason == T3OPS_R_CLOSED) {
		s->closed = *end;
		s->is_closed = true;
		session_seek(s);
	} else {
		socket_down(s, end);
	}
}

static void socket_open(struct serve_leg *s)
{
	t3_socket_close(&s->socket);
	t3_socket_open(&s->socket, s->ctx->host->leg_user(s->ctx, s->leg), session_cookie(s->session));
}

/* ---- its session ---------------------------------------------------------------------------------------------- */

/* The WebSocket was closed by the server.  If its session is dead that is why, and no fault. */
static bool close_is_fault(struct serve_leg *s, enum t3ops_session state)
{
	bool fault = s->is_closed && state != T3OPS_SESSION_DEAD;

	s->is_closed = false;
	if (fault)
		down(s, T3OPS_STEP_OPEN, T3OPS_R_CLOSED, s->closed.code, "");
	return fault;
}

static void on_session(void *arg, enum t3ops_session state)
{
	struct serve_leg *s = arg;

	if (close_is_fault(s, state))
		return;
	if (state == T3OPS_SESSION_ALIVE) {
		s->ping_pending = false; /* of the WebSocket that it replaces, if there is one */
		socket_open(s);
		beat_end(s);
		return;
	}
	up(s);
	beat_end(s);
	if (state == T3OPS_SESSION_DEAD)
		session_seek(s); /* makes one, if it is time */
}

static void on_renewed(void *arg, enum t3ops_session state)
{
	if (state == T3OPS_SESSION_ALIVE)
		on_session(arg, state);
}

/* The session that the leg's own WebSocket was opened with is dead: another one, before it has to connect. */
static void on_visit_refused(void *arg)
{
	struct serve_leg *s = arg;

	session_forget(s->session);
	session_seek(s);
}

static void session_seek(struct serve_leg *s)
{
	session_ask(s->session, s->ctx->host->leg_user(s->ctx, s->leg), on_session, s);
}

/* ---- HTTP -------------------------------------------------------------------------------------------------------
 */

/* The first answer of an attempt: the leg is up when there is a session's WebSocket, or no session yet. */
static void http_works(struct serve_leg *s)
{
	s->http_us = s->ctx->host->now_us(s->ctx);
	if (s->up) {
		s->http_pending = false;
		beat_end(s);
		return;
	}
	if (!s->session || session_cookie(s->session)[0] == '\0')
		up(s);
	if (s->session)
		session_seek(s);
}

static void on_http_end(void *arg, const struct t3ops_ws_end *why)
{
	struct serve_leg *s = arg;

	if (why)
		down(s, why->step, why->reason, why->code, why->text);
	else
		http_works(s);
}

static void on_step(void *arg, uint32_t step)
{
	const struct serve_leg *s = arg;

	if (!s->up)
		s->ctx->host->leg_reached(s->ctx, s->leg, step);
}

/* ---- the leg ------------------------------------------------------------------------------------------------------
 */

static struct serve_leg *serve_leg_new(struct t3ops_ctx *ctx, struct t3ops_leg *leg)
{
	static const struct t3_http_handler http = {on_step, on_http_end};
	static const struct t3_socket_handler socket = {NULL, on_pong, on_socket_end};
	struct sessions *sessions = ctx->state;
	uint64_t timeout_us = (uint64_t)ctx->host->opt_int(ctx, "timeout");
	struct serve_leg *s = calloc(1, sizeof *s);

	if (!s)
		return NULL;
	s->ctx = ctx;
	s->leg = leg;
	if (sessions->pairing)
		s->session = session_get(sessions, ctx->host->leg_user(ctx, leg));
	s->http = (struct t3_http){.ctx = ctx, .handler = &http, .arg = s, .timeout_us = timeout_us};
	s->socket = (struct t3_socket){.ctx = ctx, .handler = &socket, .arg = s, .timeout_us = timeout_us};
	s->visit = (struct visit){
	    .ctx = ctx, .leg = leg, .session = s->session, .on_refused = on_visit_refused, .arg = s};
	visit_init(&s->visit, timeout_us);
	return s;
}

static void leg_open(struct t3ops_ctx *ctx, struct t3ops_leg *leg)
{
	static const struct t3ops_ws_end no_memory = {.struct_size = sizeof no_memory,
	                                              .step = T3OPS_STEP_CONNECT,
	                                              .reason = T3OPS_R_LOCAL,
	                                              .text = "no memory"};
	struct serve_leg *s = serve_leg_new(ctx, leg);

	ctx->host->leg_set(ctx, leg, s);
	if (!s) {
		ctx->host->leg_down(ctx, leg, &no_memory);
		return;
	}
	websocket_show(s, false);
	t3_http_ask(&s->http, ctx->host->leg_user(ctx, leg));
}

/* A WebSocket lives on when its session is dead or about to end; the next one would not. */
static void session_tend(struct serve_leg *s)
{
	bool open = s->socket.state == T3_SOCKET_OPEN, none = session_cookie(s->session)[0] == '\0';

	if (s->socket.state == T3_SOCKET_CLOSED || (open && none))
		session_seek(s);
	else if (open)
		session_renew(s->session, s->ctx->host->leg_user(s->ctx, s->leg), on_renewed, s);
}

static void leg_ping(struct t3ops_ctx *ctx, struct t3ops_leg *leg)
{
	struct serve_leg *s = ctx->host->leg_get(ctx, leg);

	s->beat_us = ctx->host->now_us(ctx);
	s->http_pending = true;
	if (s->http.fetch == 0)
		t3_http_ask(&s->http, ctx->host->leg_user(ctx, leg));
	if (s->socket.state == T3_SOCKET_OPEN) {
		s->ping_pending = true;
		t3_socket_ping(&s->socket);
	}
	if (s->session)
		session_tend(s);
}

static void leg_fresh(struct t3ops_ctx *ctx, struct t3ops_leg *leg, bool thorough)
{
	struct serve_leg *s = ctx->host->leg_get(ctx, leg);

	(void)thorough; /* t3 has no large message that changes nothing */
	visit_begin(&s->visit);
}

static void leg_close(struct t3ops_ctx *ctx, struct t3ops_leg *leg)
{
	struct serve_leg *s = ctx->host->leg_get(ctx, leg);

	if (!s)
		return;
	t3_http_cancel(&s->http);
	visit_stop(&s->visit);
	if (s->session)
		session_leave(s->session);
	t3_socket_close(&s->socket);
	websocket_show(s, false);
	free(s);
	ctx->host->leg_set(ctx, leg, NULL);
}

/* ---- the plugin
 * ---------------------------------------------------------------------------------------------------- */

static int init(struct t3ops_ctx *ctx)
{
	struct sessions *sessions = calloc(1, sizeof *sessions);

	if (!sessions)
		return -ENOMEM;
	sessions->ctx = ctx;
	LIST_INIT(&sessions->list);
	LIST_INIT(&sessions->calls);
	ctx->state = sessions;
	return 0;
}

static int start(struct t3ops_ctx *ctx)
{
	struct sessions *sessions = ctx->state;

	if (ctx->host->opt_bool(ctx, "websocket"))
		sessions->pairing = ctx->host->service(ctx, T3OPS_SERVICE_PAIRING);
	return 0;
}

static void stop(struct t3ops_ctx *ctx)
{
	sessions_fini(ctx->state);
	free(ctx->state);
	ctx->state = NULL;
}

static const struct t3ops_option options[] = {
    {"timeout", T3OPS_OPT_DURATION, "10s", 100000, 600000000,
     "Limit of one HTTP request, of opening the WebSocket, and of the answer to a Ping."},
    {"websocket", T3OPS_OPT_BOOL, "true", 0, 0,
     "Whether the leg also holds a WebSocket, with a session of its own; it takes a plugin that provides pairing."},
    {"pairing_pause", T3OPS_OPT_DURATION, "1m", 100000, INT64_C(24) * 3600 * 1000000,
     "Pause before another session is made for a user; it doubles, up to 64 times, while they do not last."},
};

static const struct t3ops_metric metrics[] = {
    [METRIC_WEBSOCKET] = {.name = "t3ops_probe_websocket_open",
                          .type = T3OPS_GAUGE,
                          .labels = {"user"},
                          .help = "1 while the leg holds a WebSocket to the user's t3 server that answers."},
    [METRIC_PAIRINGS] =
        {.name = "t3ops_probe_pairings_total",
         .type = T3OPS_COUNTER,
         .labels = {"user", "result"},
         .help = "Sessions that the leg made for itself, or could not make, by result: ok or failed."},
};

T3OPS_PLUGIN(probe_t3serve) = {
    T3OPS_HEAD,
    .roles = T3OPS_ROLE_LEG,
    .name = "probe_t3serve",
    .version = PACKAGE_VERSION,
    .summary = "HTTP and WebSocket leg straight to every user's t3 server",
    .wants = T3OPS_SERVICE_PAIRING,
    .wants_option = "websocket",
    .options = options,
    .n_options = sizeof options / sizeof options[0],
    .metrics = metrics,
    .n_metrics = sizeof metrics / sizeof metrics[0],
    .init = init,
    .start = start,
    .stop = stop,
    .leg_flags = T3OPS_LEG_PER_USER,
    .leg_segments = "serve",
    .leg_edge = "",
    .leg_open = leg_open,
    .leg_ping = leg_ping,
    .leg_close = leg_close,
    .leg_fresh = leg_fresh,
};
