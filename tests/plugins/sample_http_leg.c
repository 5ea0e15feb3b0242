/* SPDX-License-Identifier: MIT */
/* A leg that asks for a page, as docs/man/t3ops-plugin.3 describes one: it says how far it came, and what stopped it.
 */
#include <stdlib.h>
#include <string.h>

#include "plugin.h"

struct page {
	struct t3ops_leg *leg;
	uint64_t fetch; /* 0: none */
	bool up;
};

static void on_step(struct t3ops_ctx *ctx, uint32_t step, void *arg)
{
	const struct page *p = arg;

	ctx->host->leg_reached(ctx, p->leg, step);
}

static void on_fetched(struct t3ops_ctx *ctx, const struct t3ops_fetched *f, void *arg)
{
	struct t3ops_ws_end end = {.struct_size = sizeof end};
	struct page *p = arg;

	p->fetch = 0;
	ctx->host->leg_certificate(ctx, p->leg, f->certificate_until_us);
	ctx->host->leg_location(ctx, p->leg, f->header(f, "cf-ray", 0));
	if (ctx->host->fetch_end(ctx, f, 200, &end)) {
		ctx->host->log(ctx, T3OPS_INFO, "page_failed", "at %s: %s", ctx->host->step_name(ctx, end.step),
		               ctx->host->reason_name(ctx, end.reason));
		p->up = false;
		ctx->host->leg_down(ctx, p->leg, &end);
	} else if (p->up) {
		ctx->host->leg_pong(ctx, p->leg, f->total_us);
	} else {
		p->up = true;
		ctx->host->leg_up(ctx, p->leg);
	}
}

static void ask(struct t3ops_ctx *ctx, struct t3ops_leg *leg)
{
	struct page *p = ctx->state;
	struct t3ops_fetch what = {.struct_size = sizeof what,
	                           .url = ctx->host->opt_string(ctx, "url"),
	                           .ca_file = ctx->host->opt_string(ctx, "ca_file"),
	                           .fresh = true,
	                           .on_step = on_step,
	                           .timeout_us = (uint64_t)ctx->host->opt_int(ctx, "timeout")};

	p->leg = leg;
	if (p->fetch == 0)
		p->fetch = ctx->host->fetch(ctx, &what, on_fetched, p);
}

static void leg_close(struct t3ops_ctx *ctx, struct t3ops_leg *leg)
{
	struct page *p = ctx->state;

	(void)leg;
	if (p->fetch != 0)
		ctx->host->fetch_cancel(ctx, p->fetch);
	*p = (struct page){.leg = NULL};
}

static int init(struct t3ops_ctx *ctx)
{
	ctx->state = calloc(1, sizeof(struct page));
	return ctx->state ? 0 : -1;
}

static void stop(struct t3ops_ctx *ctx)
{
	free(ctx->state);
}

static const struct t3ops_option options[] = {
    {"url", T3OPS_OPT_URL, T3OPS_REQUIRED, 0, 0, "What is asked for."},
    {"ca_file", T3OPS_OPT_CA_FILE, "", 0, 0, "Certificate authorities to trust; empty: the system's."},
    {"timeout", T3OPS_OPT_DURATION, "10s", 100000, 600000000, "Limit of one request."},
};

T3OPS_PLUGIN(sample_http_leg) = {
    T3OPS_HEAD,
    .roles = T3OPS_ROLE_LEG,
    .name = "sample_http_leg",
    .version = "1.0",
    .summary = "A leg that asks for a page.",
    .options = options,
    .n_options = sizeof options / sizeof options[0],
    .init = init,
    .stop = stop,
    .leg_segments = "wan",
    .leg_open = ask,
    .leg_ping = ask,
    .leg_close = leg_close,
};
