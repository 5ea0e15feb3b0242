/* SPDX-License-Identifier: MIT */
/* A watch plugin that says what it saw, and ends its process when it sees one kind, for the tests of the monitor. */
#include <stdlib.h>
#include <string.h>

#include "plugin.h"

static void on_event(struct t3ops_ctx *ctx, const struct t3ops_event *e)
{
	ctx->host->log(ctx, T3OPS_INFO, "event_watched", "%s, %s", e->kind,
	               strstr(e->line, "event=") ? "whole" : "not whole");
	if (strcmp(e->kind, ctx->host->opt_string(ctx, "crash_on")) == 0)
		abort();
}

static const struct t3ops_option options[] = {
    {"crash_on", T3OPS_OPT_STRING, "", 0, 0, "Kind of event that is too much."},
};

T3OPS_PLUGIN(sample_watch) = {
    T3OPS_HEAD,
    .roles = T3OPS_ROLE_WATCH,
    .name = "sample_watch",
    .version = "1.0",
    .summary = "Watches, for tests.",
    .options = options,
    .n_options = sizeof options / sizeof options[0],
    .on_event = on_event,
};
