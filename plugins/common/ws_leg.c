/* SPDX-License-Identifier: MIT */
/* WebSocket legs; see ws_leg.h. */
#include "common/ws_leg.h"

#define CLOSE_NORMAL 1000

static const struct t3ops_ws_end no_memory = {
    .struct_size = sizeof no_memory, .step = T3OPS_STEP_CONNECT, .reason = T3OPS_R_LOCAL, .text = "no memory"};

static void on_step(struct t3ops_ctx *ctx, struct t3ops_ws *ws, uint32_t step, void *arg)
{
	struct ws_leg *w = arg;

	(void)ws;
	ctx->host->leg_reached(ctx, w->leg, step);
}

static void on_certificate(struct t3ops_ctx *ctx, struct t3ops_ws *ws, uint64_t until_us, void *arg)
{
	struct ws_leg *w = arg;

	(void)ws;
	ctx->host->leg_certificate(ctx, w->leg, until_us);
}

static void on_location(struct t3ops_ctx *ctx, struct t3ops_ws *ws, const char *cf_ray, void *arg)
{
	struct ws_leg *w = arg;

	(void)ws;
	if (T3OPS_HOST_HAS(ctx->host, leg_location))
		ctx->host->leg_location(ctx, w->leg, cf_ray);
}

static void on_open(struct t3ops_ctx *ctx, struct t3ops_ws *ws, void *arg)
{
	struct ws_leg *w = arg;
	const struct t3ops_host *host = ctx->host;

	if (T3OPS_HOST_HAS(host, leg_carrier))
		host->leg_carrier(ctx, w->leg, ws);
	ws_trace_ask(&w->trace, ws);
	host->leg_up(ctx, w->leg);
}

static void on_message(struct t3ops_ctx *ctx, struct t3ops_ws *ws, int op, const void *data, size_t len, void *arg)
{
	struct ws_leg *w = arg;
	uint64_t rtt_us;

	(void)ws;
	if (op != T3OPS_WS_TEXT || ws_trace_told(&w->trace, data, len))
		return;
	if (ws_trace_answered(&w->trace, data, len, &rtt_us))
		ctx->host->leg_pong(ctx, w->leg, rtt_us);
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
	                                                .max_message = 1024,
	                                                .on_certificate = on_certificate,
	                                                .on_location = on_location};

	w->ctx = ctx;
	w->leg = leg;
	ws_trace_begin(&w->trace, ctx, leg);
	w->fresh.trace = &w->trace;
	w->ws = ws_open_with_key(ctx, open, &handler, w);
	if (!w->ws)
		ctx->host->leg_down(ctx, leg, &no_memory);
}

void ws_leg_ping(struct ws_leg *w)
{
	ws_trace_send(&w->trace, w->ws);
}

void ws_leg_fresh(struct ws_leg *w, const struct t3ops_ws_open *open, bool thorough)
{
	ws_fresh_begin(&w->fresh, w->ctx, w->leg, open, thorough);
}

void ws_leg_close(struct ws_leg *w)
{
	ws_fresh_close(&w->fresh);
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
