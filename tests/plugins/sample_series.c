/* SPDX-License-Identifier: MIT */
/* A request plugin that makes more series than there is room for, for the tests of alerts. */
#include <stdio.h>

#include "plugin.h"

#define MANY 70000

static enum t3ops_next on_request(struct t3ops_ctx *ctx, t3ops_request_id r)
{
	char number[16];

	(void)r;
	for (int n = 0; n < MANY; n++) {
		snprintf(number, sizeof number, "%d", n);
		ctx->host->count(ctx, 0, (const char *const[]){number}, 1);
	}
	return T3OPS_NEXT;
}

static const struct t3ops_metric metrics[] = {
    {.name = "t3ops_sample_series_total", .type = T3OPS_COUNTER, .labels = {"number"}, .help = "One of each number."},
};

T3OPS_PLUGIN(sample_series) = {
    T3OPS_HEAD,
    .roles = T3OPS_ROLE_PROXY,
    .name = "sample_series",
    .version = "1.0",
    .summary = "Makes too many series, for tests.",
    .metrics = metrics,
    .n_metrics = 1,
    .on_request = on_request,
};
