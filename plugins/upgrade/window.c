/* SPDX-License-Identifier: MIT */
/* See window.h. */
#include "window.h"

#include <stdio.h>
#include <time.h>

bool window_contains(int from, int to, int minute)
{
	if (from < to)
		return minute >= from && minute < to;
	return from == to || minute >= from || minute < to;
}

bool window_is_open(struct t3ops_ctx *ctx, char *text, size_t size)
{
	int from = (int)ctx->host->opt_int(ctx, "window_from"), to = (int)ctx->host->opt_int(ctx, "window_to");
	time_t now = (time_t)(ctx->host->wall_us(ctx) / 1000000);
	struct tm local;
	bool open;

	if (from < 0 || to < 0 || localtime_r(&now, &local) == NULL) {
		snprintf(text, size, "any time");
		return true;
	}
	open = window_contains(from, to, local.tm_hour * 60 + local.tm_min);
	snprintf(text, size, "%02d:%02d to %02d:%02d %s, now %s", from / 60, from % 60, to / 60, to % 60,
	         local.tm_zone, open ? "open" : "closed");
	return open;
}
