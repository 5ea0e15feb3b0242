/* SPDX-License-Identifier: MIT */
/* A leg plugin with default segments, for the tests of loader and plan. */
#include "plugin.h"

static void on_leg(struct t3ops_ctx *ctx, struct t3ops_leg *leg)
{
	(void)ctx;
	(void)leg;
}

static const struct t3ops_option options[] = {
    {"url", T3OPS_OPT_WS_URL, "wss://t3.example.com/probe/ws", 0, 0, "What the leg connects to."},
};

T3OPS_PLUGIN(sample_leg) = {
    T3OPS_HEAD,
    .roles = T3OPS_ROLE_LEG,
    .name = "sample_leg",
    .version = "1.0",
    .summary = "A leg for tests.",
    .options = options,
    .n_options = 1,
    .leg_flags = T3OPS_LEG_PER_USER,
    .leg_segments = "wan cloudflare",
    .leg_edge = "cloudflare",
    .leg_resolver = "wan dns",
    .leg_open = on_leg,
    .leg_ping = on_leg,
    .leg_close = on_leg,
};
