/* SPDX-License-Identifier: MIT */
/* A request plugin whose metric has the name of another one of another type, which finds no place; for the tests of
 * alerts. */
#include "plugin.h"

static enum t3ops_next on_request(struct t3ops_ctx *ctx, t3ops_request_id r)
{
	(void)r;
	ctx->host->gauge(ctx, 0, (const char *const[]){""}, 1);
	return T3OPS_NEXT;
}

static const struct t3ops_metric metrics[] = {
    {.name = "t3ops_requests_total", .type = T3OPS_GAUGE, .help = "Is a counter elsewhere."},
};

T3OPS_PLUGIN(sample_metric) = {
    T3OPS_HEAD,
    .roles = T3OPS_ROLE_PROXY,
    .name = "sample_metric",
    .version = "1.0",
    .summary = "Has the metric of another, for tests.",
    .metrics = metrics,
    .n_metrics = 1,
    .on_request = on_request,
};
