/* SPDX-License-Identifier: MIT */
/* When a run of a job stops by itself: one that is killed at its deadline cannot clean up. */
#ifndef T3OPS_PLUGINS_COMMON_RUN_DEADLINE_H
#define T3OPS_PLUGINS_COMMON_RUN_DEADLINE_H

#include <stdint.h>

#include "plugin.h"

#define RUN_MARGIN_US INT64_C(5000000) /* before the deadline, for the cleaning up; at most a fifth of it */

/* On CLOCK_MONOTONIC, for a run that begins now. */
static inline uint64_t run_until_us(struct t3ops_ctx *ctx)
{
	int64_t deadline = ctx->host->opt_int(ctx, "deadline");
	int64_t margin = deadline / 5 < RUN_MARGIN_US ? deadline / 5 : RUN_MARGIN_US;

	return ctx->host->now_us(ctx) + (uint64_t)(deadline - margin);
}

#endif
