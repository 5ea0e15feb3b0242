/* SPDX-License-Identifier: MIT */
/* See drills.h. */
#include "drills.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "drill.h"

#define FAILED " error=\"drill: " DRILL_NEWEST

/* What follows KEY= in an event's line; NULL: nothing does. */
static const char *fact_find(const char *line, const char *key)
{
	size_t len = strlen(key);

	for (const char *at = line; (at = strstr(at, key)) != NULL; at += len)
		if (at > line && (at[-1] == ' ' || at[-1] == '"'))
			return at + len;
	return NULL;
}

static void stamp_show(struct t3ops_ctx *ctx, const struct t3ops_event *e, unsigned metric, const char *key)
{
	const char *value = fact_find(e->line, key);

	if (value != NULL)
		ctx->host->gauge(ctx, metric, (const char *[]){e->user}, (double)strtoll(value, NULL, 10));
}

/* Every end that is fine says what is known (drill_report). */
static void on_done(struct t3ops_ctx *ctx, const struct t3ops_event *e)
{
	stamp_show(ctx, e, METRIC_DRILL_SUCCEEDED, "drilled=");
	stamp_show(ctx, e, METRIC_DRILL_FAILED, "drill_failed=");
}

static void on_failed(struct t3ops_ctx *ctx, const struct t3ops_event *e)
{
	if (strstr(e->line, FAILED) != NULL)
		ctx->host->gauge(ctx, METRIC_DRILL_FAILED, (const char *[]){e->user}, (double)e->time_us / 1e6);
}

static bool is_ours(const struct t3ops_ctx *ctx, const struct t3ops_event *e)
{
	return strcmp(e->plugin, ctx->name) == 0 && *e->user != '\0';
}

void drills_earlier(struct t3ops_ctx *ctx, const struct t3ops_event *e)
{
	if (!is_ours(ctx, e))
		return;
	if (strcmp(e->kind, "job_done") == 0 || strcmp(e->kind, "action_done") == 0)
		on_done(ctx, e);
	else if (strcmp(e->kind, "action_failed") == 0)
		on_failed(ctx, e);
}

void drills_event(struct t3ops_ctx *ctx, const struct t3ops_event *e)
{
	drills_earlier(ctx, e);
	if (is_ours(ctx, e) && strcmp(e->kind, "job_done") == 0 && fact_find(e->line, "drill=due") != NULL)
		ctx->host->request_action(ctx, ctx->name, "drill", e->user, NULL, NULL, NULL);
}
