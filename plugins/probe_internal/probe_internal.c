/* SPDX-License-Identifier: MIT */
/*
 * probe_internal: the WebSocket of probe_cloudflare pinned to an address inside: Host, SNI and the
 * certificate check stay those of the public name, only the path is shorter.
 */
#include <errno.h>
#include <stdlib.h>

#include "common/ws_leg.h"

static void options_read(struct t3ops_ctx *ctx, struct t3ops_ws_open *open)
{
	ws_leg_options(ctx, open);
	open->connect_to = ctx->host->opt_string(ctx, "address");
}

static void leg_open(struct t3ops_ctx *ctx, struct t3ops_leg *leg)
{
	struct t3ops_ws_open open;

	options_read(ctx, &open);
	ctx->host->leg_reached(ctx, leg, T3OPS_STEP_CONNECT); /* there is nothing to look up */
	ws_leg_open(ctx->state, ctx, leg, &open);
}

static void leg_fresh(struct t3ops_ctx *ctx, struct t3ops_leg *leg, bool thorough)
{
	struct t3ops_ws_open open;

	options_read(ctx, &open);
	ctx->host->leg_reached(ctx, leg, T3OPS_STEP_CONNECT);
	ws_leg_fresh(ctx->state, &open, thorough);
}

static void leg_ping(struct t3ops_ctx *ctx, struct t3ops_leg *leg)
{
	(void)leg;
	ws_leg_ping(ctx->state);
}

static void leg_close(struct t3ops_ctx *ctx, struct t3ops_leg *leg)
{
	(void)leg;
	ws_leg_close(ctx->state);
}

static int init(struct t3ops_ctx *ctx)
{
	ctx->state = calloc(1, sizeof(struct ws_leg));
	return ctx->state ? 0 : -ENOMEM;
}

static void stop(struct t3ops_ctx *ctx)
{
	free(ctx->state);
}

static const struct t3ops_option options[] = {
    WS_LEG_OPTIONS,
    {"address", T3OPS_OPT_ADDRESS, T3OPS_REQUIRED, 0, 0,
     "Where to connect instead of the URL's host: ADDRESS or ADDRESS:PORT."},
};

T3OPS_PLUGIN(probe_internal) = {
    T3OPS_HEAD,
    .roles = T3OPS_ROLE_LEG,
    .name = "probe_internal",
    .version = PACKAGE_VERSION,
    .summary = "WebSocket leg pinned to an inner address",
    .options = options,
    .n_options = sizeof options / sizeof options[0],
    .init = init,
    .stop = stop,
    .leg_segments = "traefik dispatch",
    .leg_edge = "",
    .leg_target = "url",
    .leg_open = leg_open,
    .leg_ping = leg_ping,
    .leg_close = leg_close,
    .leg_fresh = leg_fresh,
};
