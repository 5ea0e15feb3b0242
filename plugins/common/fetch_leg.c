/* SPDX-License-Identifier: MIT */
/* A leg that makes requests; see fetch_leg.h. */
#include "common/fetch_leg.h"

void fetch_leg_begin(struct fetch_leg *l, struct t3ops_leg *leg)
{
	l->leg = leg;
	l->up = false;
}

void fetch_leg_down(struct fetch_leg *l, uint32_t step, uint32_t reason, int code, const char *text)
{
	struct t3ops_ws_end end = {
	    .struct_size = sizeof end, .step = step, .reason = reason, .code = code, .text = text};

	l->up = false;
	l->ctx->host->leg_down(l->ctx, l->leg, &end);
}

void fetch_leg_answered(struct fetch_leg *l)
{
	const struct t3ops_host *host = l->ctx->host;

	if (l->up) {
		host->leg_pong(l->ctx, l->leg, host->now_us(l->ctx) - l->asked_us);
		return;
	}
	l->up = true;
	host->leg_up(l->ctx, l->leg);
}

void fetch_leg_cancel(struct fetch_leg *l)
{
	if (l->fetch != 0)
		l->ctx->host->fetch_cancel(l->ctx, l->fetch);
	l->fetch = 0;
}
