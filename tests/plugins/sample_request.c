/* SPDX-License-Identifier: MIT */
/* A request plugin built against the frozen header of ABI 1.0: such a binary must load for ever. */
#include "../abi/plugin-1.0.h"

static enum t3ops_next on_request(struct t3ops_ctx *ctx, t3ops_request_id r)
{
	(void)ctx;
	(void)r;
	return T3OPS_NEXT;
}

static const struct t3ops_option options[] = {
    {"command", T3OPS_OPT_COMMAND, "mint", 0, 0, "Command to run."},
};
static const struct t3ops_metric metrics[] = {
    {"t3ops_sample_total", T3OPS_COUNTER, {"result"}, NULL, 0, "Samples taken."},
};

T3OPS_PLUGIN(sample_request) = {
    T3OPS_HEAD,
    .roles = T3OPS_ROLE_PROXY,
    .name = "sample_request",
    .version = "1.0",
    .summary = "A request plugin for tests.",
    .options = options,
    .n_options = 1,
    .n_metrics = 1,
    .metrics = metrics,
    .on_request = on_request,
};
