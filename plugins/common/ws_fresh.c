/* SPDX-License-Identifier: MIT */
/* Fresh connections and large messages; see ws_fresh.h. */
#include "common/ws_fresh.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/ws_beat.h"

#define CLOSE_NORMAL  1000
#define CLOSE_TOO_BIG 1009
#define CLOSE_AWAY    1001 /* the far end stops, or is replaced: */
#define CLOSE_RESTART 1012

static const struct t3ops_ws_end no_memory = {
    .struct_size = sizeof no_memory, .step = T3OPS_STEP_CONNECT, .reason = T3OPS_R_LOCAL, .text = "no memory"};

struct t3ops_ws *ws_open_with_key(struct t3ops_ctx *ctx, const struct t3ops_ws_open *open,
                                  const struct t3ops_ws_handler *handler, void *arg)
{
	const char *key = T3OPS_HOST_HAS(ctx->host, probe_key) ? ctx->host->probe_key(ctx) : "";
	char line[160];
	const char *const headers[] = {line, NULL};
	struct t3ops_ws_open with = *open;

	snprintf(line, sizeof line, WS_PROBE_KEY_HEADER ": %s", key);
	with.headers = key[0] != '\0' ? headers : NULL;
	return ctx->host->ws_open(ctx, &with, handler, arg);
}

static void one_close(struct ws_fresh_one *o)
{
	struct t3ops_ctx *ctx = o->all->ctx;

	if (o->limit)
		ctx->host->timer_stop(ctx, o->limit);
	if (o->ws)
		ctx->host->ws_close(ctx, o->ws, CLOSE_NORMAL);
	o->limit = NULL;
	o->ws = NULL;
	o->state = WS_FRESH_CLOSED;
}

void ws_fresh_close(struct ws_fresh *f)
{
	for (size_t i = 0; i < sizeof f->ones / sizeof f->ones[0]; i++)
		if (f->ones[i].all)
			one_close(&f->ones[i]);
}

/* ---- large messages --------------------------------------------------------------------------------- */

static void large_end(struct ws_fresh_one *o, uint32_t fate)
{
	struct ws_fresh *f = o->all;

	f->lost = fate != T3OPS_LARGE_ANSWERED;
	one_close(o);
	f->ctx->host->leg_large(f->ctx, f->leg, fate, f->ctx->host->now_us(f->ctx) - o->sent_us);
}

static uint32_t large_lost(const struct ws_fresh_one *o)
{
	return o->state == WS_FRESH_LARGE_SENT ? T3OPS_LARGE_LOST_OUT : T3OPS_LARGE_LOST_BACK;
}

static void on_limit(struct t3ops_ctx *ctx, void *arg)
{
	struct ws_fresh_one *o = arg;

	(void)ctx;
	o->limit = NULL;
	large_end(o, large_lost(o));
}

static bool large_is_out(const struct ws_fresh *f)
{
	return f->ones[0].state >= WS_FRESH_LARGE_SENT || f->ones[1].state >= WS_FRESH_LARGE_SENT;
}

/* Without a key the far end would take it for that of an untrusted peer. */
static bool large_is_due(const struct ws_fresh *f)
{
	const struct t3ops_host *host = f->ctx->host;
	uint64_t every_us = (uint64_t)host->opt_int(f->ctx, "large_beat");

	if (every_us == 0 || large_is_out(f) || !T3OPS_HOST_HAS(host, probe_key) ||
	    host->probe_key(f->ctx)[0] == '\0')
		return false;
	return f->thorough || f->lost || f->large_us == 0 || host->now_us(f->ctx) - f->large_us >= every_us;
}

static void large_send(struct ws_fresh_one *o)
{
	struct t3ops_ctx *ctx = o->all->ctx;
	unsigned char *bytes = malloc(WS_LARGE_SIZE);

	if (bytes)
		o->limit = ctx->host->timer_start(ctx, (uint64_t)ctx->host->opt_int(ctx, "timeout"), 0, on_limit, o);
	if (!o->limit) {
		free(bytes);
		one_close(o); /* no memory: nothing is known of large messages */
		return;
	}
	ws_large_make(o->number, bytes);
	o->sent_us = o->all->large_us = ctx->host->now_us(ctx);
	o->state = WS_FRESH_LARGE_SENT;
	ctx->host->ws_send(ctx, o->ws, T3OPS_WS_BINARY, bytes, WS_LARGE_SIZE); /* a failure ends the WebSocket */
	free(bytes);
}

static void refusal_log(struct ws_fresh *f)
{
	if (!f->refusal_logged)
		f->ctx->host->log(
		    f->ctx, T3OPS_WARNING, "large_beat_refused",
		    "the far end does not accept large messages from this prober: set probe_key_file to the same "
		    "file here and there, or large_beat = \"0s\"");
	f->refusal_logged = true;
}

/* The connection ended under a large message. */
static void large_broke(struct ws_fresh_one *o, const struct t3ops_ws_end *end)
{
	int code = end->reason == T3OPS_R_CLOSED ? end->code : 0;

	if (code == CLOSE_TOO_BIG)
		refusal_log(o->all);
	if (code == CLOSE_TOO_BIG || code == CLOSE_AWAY || code == CLOSE_RESTART)
		one_close(o);
	else
		large_end(o, large_lost(o));
}

/* ---- the connection -------------------------------------------------------------------------------- */

static void on_step(struct t3ops_ctx *ctx, struct t3ops_ws *ws, uint32_t step, void *arg)
{
	const struct ws_fresh_one *o = arg;

	(void)ws;
	ctx->host->leg_reached(ctx, o->all->leg, step);
}

static void on_certificate(struct t3ops_ctx *ctx, struct t3ops_ws *ws, uint64_t until_us, void *arg)
{
	const struct ws_fresh_one *o = arg;

	(void)ws;
	ctx->host->leg_certificate(ctx, o->all->leg, until_us);
}

static void on_location(struct t3ops_ctx *ctx, struct t3ops_ws *ws, const char *cf_ray, void *arg)
{
	const struct ws_fresh_one *o = arg;

	(void)ws;
	if (T3OPS_HOST_HAS(ctx->host, leg_location))
		ctx->host->leg_location(ctx, o->all->leg, cf_ray);
}

static void on_open(struct t3ops_ctx *ctx, struct t3ops_ws *ws, void *arg)
{
	struct ws_fresh_one *o = arg;
	char text[WS_BEAT_SIZE];
	size_t n = ws_beat_make(o->number, "", text);

	o->state = WS_FRESH_BEATING;
	ctx->host->leg_reached(ctx, o->all->leg, T3OPS_STEP_OPEN);
	if (o->all->trace)
		ws_trace_ask(o->all->trace, ws);
	ctx->host->ws_send(ctx, ws, T3OPS_WS_TEXT, text, n); /* a failure ends the WebSocket */
}

static void on_beat(struct ws_fresh_one *o)
{
	struct ws_fresh *f = o->all;
	uint64_t took_us = f->ctx->host->now_us(f->ctx) - o->begun_us;

	if (large_is_due(f))
		large_send(o);
	else
		one_close(o);
	f->ctx->host->leg_fresh_up(f->ctx, f->leg, took_us);
}

static bool says_arrived(int op, const void *data, size_t len)
{
	return op == T3OPS_WS_TEXT && len == strlen(WS_LARGE_ARRIVED) && memcmp(data, WS_LARGE_ARRIVED, len) == 0;
}

static void on_message(struct t3ops_ctx *ctx, struct t3ops_ws *ws, int op, const void *data, size_t len, void *arg)
{
	struct ws_fresh_one *o = arg;
	struct ws_stamps stamps;

	(void)ctx, (void)ws;
	if (op == T3OPS_WS_TEXT && o->all->trace && ws_trace_told(o->all->trace, data, len))
		return;
	if (o->state == WS_FRESH_BEATING && op == T3OPS_WS_TEXT && ws_beat_is(o->number, "", data, len, &stamps))
		on_beat(o);
	else if (o->state == WS_FRESH_LARGE_SENT && says_arrived(op, data, len))
		o->state = WS_FRESH_LARGE_ARRIVED;
	else if (o->state >= WS_FRESH_LARGE_SENT && op == T3OPS_WS_BINARY && ws_large_is(o->number, data, len))
		large_end(o, T3OPS_LARGE_ANSWERED);
}

static void on_end(struct t3ops_ctx *ctx, struct t3ops_ws *ws, const struct t3ops_ws_end *end, void *arg)
{
	struct ws_fresh_one *o = arg;

	(void)ws;
	o->ws = NULL;
	if (o->state >= WS_FRESH_LARGE_SENT) {
		large_broke(o, end);
		return;
	}
	one_close(o);
	ctx->host->leg_fresh_down(ctx, o->all->leg, end);
}

/* One that has no large message out, else the older one. */
static struct ws_fresh_one *one_take(struct ws_fresh *f)
{
	struct ws_fresh_one *a = &f->ones[0], *b = &f->ones[1];

	if (a->state < WS_FRESH_LARGE_SENT)
		return a;
	return b->state < WS_FRESH_LARGE_SENT || b->number < a->number ? b : a;
}

void ws_fresh_begin(struct ws_fresh *f, struct t3ops_ctx *ctx, struct t3ops_leg *leg,
                    const struct t3ops_ws_open *open, bool thorough)
{
	static const struct t3ops_ws_handler handler = {.struct_size = sizeof handler,
	                                                .on_step = on_step,
	                                                .on_open = on_open,
	                                                .on_message = on_message,
	                                                .on_end = on_end,
	                                                .max_message = WS_LARGE_SIZE,
	                                                .on_certificate = on_certificate,
	                                                .on_location = on_location};
	struct ws_fresh_one *o = one_take(f);

	f->ctx = ctx;
	f->leg = leg;
	f->thorough = thorough;
	o->all = f;
	one_close(o);
	o->state = WS_FRESH_OPENING;
	o->begun_us = ctx->host->now_us(ctx);
	o->number = ++f->numbers;
	o->ws = ws_open_with_key(ctx, open, &handler, o);
	if (o->ws)
		return;
	one_close(o);
	ctx->host->leg_fresh_down(ctx, leg, &no_memory);
}
