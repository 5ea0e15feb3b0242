/* SPDX-License-Identifier: MIT */
/* A leg whose heartbeat is a request over HTTP, perhaps with more that follow it: what it reports, and its end.
 * Prober process. */
#ifndef T3OPS_PLUGINS_COMMON_FETCH_LEG_H
#define T3OPS_PLUGINS_COMMON_FETCH_LEG_H

#include <stdbool.h>

#include "plugin.h"

struct fetch_leg {
	struct t3ops_ctx *ctx;
	struct t3ops_leg *leg;
	uint64_t fetch; /* 0: no request is in progress */
	uint64_t asked_us;
	bool up;
};

/* The host has it opened: nothing is known of it yet. */
void fetch_leg_begin(struct fetch_leg *l, struct t3ops_leg *leg);
/* It failed, at a step (enum t3ops_step), for a reason (enum t3ops_reason); code: an HTTP status, or 0. */
void fetch_leg_down(struct fetch_leg *l, uint32_t step, uint32_t reason, int code, const char *text);
/* The answer is good: it is up, or its heartbeat was answered, since asked_us. */
void fetch_leg_answered(struct fetch_leg *l);
/* Whatever is in progress ends without an answer. */
void fetch_leg_cancel(struct fetch_leg *l);

#endif
