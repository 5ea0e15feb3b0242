/* SPDX-License-Identifier: MIT */
/*
 * probe_t3serve: one leg a user, straight to the instance.  Its heartbeat is GET /api/auth/session, which
 * every t3 answers without a session; index.html, which a t3 also answers, does not count.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "plugin.h"

#define PATH "/api/auth/session"

/* One leg's question under way. */
struct serve_leg {
	struct t3ops_leg *leg;
	uint64_t fetch; /* 0: none */
	bool up;
};

static void ended(struct t3ops_ctx *ctx, struct serve_leg *s, uint32_t step, uint32_t reason, int code,
                  const char *text)
{
	struct t3ops_ws_end end = {
	    .struct_size = sizeof end, .step = step, .reason = reason, .code = code, .text = text};

	s->up = false;
	ctx->host->leg_down(ctx, s->leg, &end);
}

static void on_fetched(struct t3ops_ctx *ctx, const struct t3ops_fetched *f, void *arg)
{
	struct serve_leg *s = arg;

	s->fetch = 0;
	if (f->error != 0) {
		ended(ctx, s, f->step, ctx->host->fetch_reason(ctx, f->error, f->step), 0, f->error_text);
	} else if (f->status != 200) {
		ended(ctx, s, T3OPS_STEP_HTTP, ctx->host->status_reason(ctx, f->status), f->status, "");
	} else if (f->body[0] != '{' || !strstr(f->body, "\"authenticated\"")) {
		ended(ctx, s, T3OPS_STEP_HTTP, T3OPS_R_PROTOCOL, f->status, "the answer is not that of a t3");
	} else if (s->up) {
		ctx->host->leg_pong(ctx, s->leg, f->total_us);
	} else {
		s->up = true;
		ctx->host->leg_up(ctx, s->leg);
	}
}

static void on_step(struct t3ops_ctx *ctx, uint32_t step, void *arg)
{
	const struct serve_leg *s = arg;

	ctx->host->leg_reached(ctx, s->leg, step);
}

static void ask(struct t3ops_ctx *ctx, struct serve_leg *s)
{
	const struct t3ops_user *user = ctx->host->leg_user(ctx, s->leg);
	bool v6 = strchr(user->host, ':') != NULL;
	char url[128];
	struct t3ops_fetch what = {.struct_size = sizeof what,
	                           .url = url,
	                           .fresh = true,
	                           .on_step = on_step,
	                           .timeout_us = (uint64_t)ctx->host->opt_int(ctx, "timeout")};

	snprintf(url, sizeof url, "http://%s%s%s:%u" PATH, v6 ? "[" : "", user->host, v6 ? "]" : "", user->port);
	s->fetch = ctx->host->fetch(ctx, &what, on_fetched, s);
}

static void leg_open(struct t3ops_ctx *ctx, struct t3ops_leg *leg)
{
	static const struct t3ops_ws_end no_memory = {.struct_size = sizeof no_memory,
	                                              .step = T3OPS_STEP_CONNECT,
	                                              .reason = T3OPS_R_LOCAL,
	                                              .text = "no memory"};
	struct serve_leg *s = calloc(1, sizeof *s);

	ctx->host->leg_set(ctx, leg, s);
	if (!s) {
		ctx->host->leg_down(ctx, leg, &no_memory);
		return;
	}
	s->leg = leg;
	ask(ctx, s);
}

static void leg_ping(struct t3ops_ctx *ctx, struct t3ops_leg *leg)
{
	struct serve_leg *s = ctx->host->leg_get(ctx, leg);

	if (s->fetch == 0)
		ask(ctx, s);
}

static void leg_close(struct t3ops_ctx *ctx, struct t3ops_leg *leg)
{
	struct serve_leg *s = ctx->host->leg_get(ctx, leg);

	if (s && s->fetch != 0)
		ctx->host->fetch_cancel(ctx, s->fetch);
	free(s);
	ctx->host->leg_set(ctx, leg, NULL);
}

static const struct t3ops_option options[] = {
    {"timeout", T3OPS_OPT_DURATION, "10s", 100000, 600000000, "Limit of one question."},
};

T3OPS_PLUGIN(probe_t3serve) = {
    T3OPS_HEAD,
    .roles = T3OPS_ROLE_LEG,
    .name = "probe_t3serve",
    .version = PACKAGE_VERSION,
    .summary = "HTTP leg straight to every user's instance",
    .options = options,
    .n_options = sizeof options / sizeof options[0],
    .leg_flags = T3OPS_LEG_PER_USER,
    .leg_segments = "serve",
    .leg_edge = "",
    .leg_open = leg_open,
    .leg_ping = leg_ping,
    .leg_close = leg_close,
};
