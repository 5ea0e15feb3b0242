/* SPDX-License-Identifier: MIT */
/* A request plugin whose proxy stops itself (SIGSTOP) just before it is ready: a test sends SIGCONT. */
#include "plugin.h"

#include <signal.h>

static int start(struct t3ops_ctx *ctx)
{
	(void)ctx;
	return raise(SIGSTOP);
}

static enum t3ops_next on_request(struct t3ops_ctx *ctx, t3ops_request_id r)
{
	(void)ctx, (void)r;
	return T3OPS_NEXT;
}

T3OPS_PLUGIN(sample_pause) = {
    T3OPS_HEAD,
    .roles = T3OPS_ROLE_PROXY,
    .name = "sample_pause",
    .version = "1.0",
    .summary = "Waits for SIGCONT, for tests.",
    .start = start,
    .on_request = on_request,
};
