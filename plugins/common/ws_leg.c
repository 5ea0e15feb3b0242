/* SPDX-License-Identifier: MIT */
/* WebSocket legs; see ws_leg.h. */
#include "common/ws_leg.h"

#include <stdio.h>
#include <string.h>

#define CLOSE_NORMAL 1000

static const struct t3ops_ws_end no_memory = {
    .struct_size = sizeof no_memory, .step = T3OPS_STEP_CONNECT, .reason = T3OPS_R_LOCAL, .text = "no memory"};

/* A heartbeat is a small numbered text. */
static int beat_text(uint64_t number, char out[32])
{
	return snprintf(out, 32, "beat %llu", (unsigned long long)number);
}

static bool is_beat(uint64_t number, int op, const void *data, size_t len)
{
	char want[32];
	size_t n = (size_t)beat_text(number, want);

	return op == T3OPS_WS_TEXT && len == n && memcmp(data, want, n) == 0;
}

/* ---- the leg's own connection -------------------------------------------------------------------- */

static void on_step(struct t3ops_ctx *ctx, struct t3ops_ws *ws, uint32_t step, void *arg)
{
	struct ws_leg *w = arg;

	(void)ws;
	ctx->host->leg_reached(ctx, w->leg, step);
}

static void on_open(struct t3ops_ctx *ctx, struct t3ops_ws *ws, void *arg)
{
	struct ws_leg *w = arg;

	(void)ws;
	ctx->host->leg_up(ctx, w->leg);
}

/* Only the echo of the last text counts: an older one would report a wrong round trip. */
static void on_message(struct t3ops_ctx *ctx, struct t3ops_ws *ws, int op, const void *data, size_t len, void *arg)
{
	struct ws_leg *w = arg;

	(void)ws;
	if (w->sent_us > 0 && is_beat(w->beat, op, data, len)) {
		uint64_t rtt_us = ctx->host->now_us(ctx) - w->sent_us;

		w->sent_us = 0;
		ctx->host->leg_pong(ctx, w->leg, rtt_us);
	}
}

static void on_end(struct t3ops_ctx *ctx, struct t3ops_ws *ws, const struct t3ops_ws_end *end, void *arg)
{
	struct ws_leg *w = arg;

	(void)ws;
	w->ws = NULL;
	ctx->host->leg_down(ctx, w->leg, end);
}

void ws_leg_open(struct ws_leg *w, struct t3ops_ctx *ctx, struct t3ops_leg *leg, const struct t3ops_ws_open *open)
{
	static const struct t3ops_ws_handler handler = {.struct_size = sizeof handler,
	                                                .on_step = on_step,
	                                                .on_open = on_open,
	                                                .on_message = on_message,
	                                                .on_end = on_end,
	                                                .max_message = 1024};

	w->ctx = ctx;
	w->leg = leg;
	w->sent_us = 0;
	w->ws = ctx->host->ws_open(ctx, open, &handler, w);
	if (!w->ws)
		ctx->host->leg_down(ctx, leg, &no_memory);
}

void ws_leg_ping(struct ws_leg *w)
{
	char text[32];
	int n = beat_text(w->beat = ++w->numbers, text);

	w->sent_us = w->ctx->host->now_us(w->ctx);
	if (w->ws)
		w->ctx->host->ws_send(w->ctx, w->ws, T3OPS_WS_TEXT, text,
		                      (size_t)n); /* a failure ends the WebSocket */
}

/* ---- a fresh connection beside it ------------------------------------------------------------------- */

static void fresh_close(struct ws_leg *w)
{
	if (w->fresh)
		w->ctx->host->ws_close(w->ctx, w->fresh, CLOSE_NORMAL);
	w->fresh = NULL;
}

static void on_fresh_open(struct t3ops_ctx *ctx, struct t3ops_ws *ws, void *arg)
{
	struct ws_leg *w = arg;
	char text[32];
	int n = beat_text(w->fresh_beat, text);

	ctx->host->leg_reached(ctx, w->leg, T3OPS_STEP_OPEN);
	ctx->host->ws_send(ctx, ws, T3OPS_WS_TEXT, text, (size_t)n); /* a failure ends the WebSocket */
}

static void on_fresh_message(struct t3ops_ctx *ctx, struct t3ops_ws *ws, int op, const void *data, size_t len,
                             void *arg)
{
	struct ws_leg *w = arg;

	(void)ws;
	if (!is_beat(w->fresh_beat, op, data, len))
		return;
	fresh_close(w);
	ctx->host->leg_fresh_up(ctx, w->leg, ctx->host->now_us(ctx) - w->fresh_us);
}

static void on_fresh_end(struct t3ops_ctx *ctx, struct t3ops_ws *ws, const struct t3ops_ws_end *end, void *arg)
{
	struct ws_leg *w = arg;

	(void)ws;
	w->fresh = NULL;
	ctx->host->leg_fresh_down(ctx, w->leg, end);
}

void ws_leg_fresh(struct ws_leg *w, const struct t3ops_ws_open *open)
{
	static const struct t3ops_ws_handler handler = {.struct_size = sizeof handler,
	                                                .on_step = on_step,
	                                                .on_open = on_fresh_open,
	                                                .on_message = on_fresh_message,
	                                                .on_end = on_fresh_end,
	                                                .max_message = 1024};

	fresh_close(w);
	w->fresh_us = w->ctx->host->now_us(w->ctx);
	w->fresh_beat = ++w->numbers;
	w->fresh = w->ctx->host->ws_open(w->ctx, open, &handler, w);
	if (!w->fresh)
		w->ctx->host->leg_fresh_down(w->ctx, w->leg, &no_memory);
}

void ws_leg_close(struct ws_leg *w)
{
	fresh_close(w);
	if (w->ws)
		w->ctx->host->ws_close(w->ctx, w->ws, CLOSE_NORMAL);
	w->ws = NULL;
}

void ws_leg_options(struct t3ops_ctx *ctx, struct t3ops_ws_open *open)
{
	*open = (struct t3ops_ws_open){.struct_size = sizeof *open,
	                               .url = ctx->host->opt_string(ctx, "url"),
	                               .interface = ctx->host->opt_string(ctx, "interface"),
	                               .ca_file = ctx->host->opt_string(ctx, "ca_file"),
	                               .timeout_us = (uint64_t)ctx->host->opt_int(ctx, "timeout")};
}
