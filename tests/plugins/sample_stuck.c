/* SPDX-License-Identifier: MIT */
/* A request plugin with bugs: at /stuck it never returns, at /slow it takes longer than its budget. */
#include "plugin.h"

#include <string.h>
#include <time.h>

static enum t3ops_next on_request(struct t3ops_ctx *ctx, t3ops_request_id r)
{
	const char *target = ctx->host->request_target(ctx, r);
	struct timespec pause = {.tv_nsec = 100000000};

	if (strcmp(target, "/slow") == 0)
		nanosleep(&pause, NULL);
	while (strcmp(target, "/stuck") == 0)
		nanosleep(&pause, NULL);
	return T3OPS_NEXT;
}

T3OPS_PLUGIN(sample_stuck) = {
    T3OPS_HEAD,
    .roles = T3OPS_ROLE_PROXY,
    .name = "sample_stuck",
    .version = "1.0",
    .summary = "Does not return, for tests.",
    .on_request = on_request,
};
