/*
 * @NAME@: a watch plugin of t3ops.  Counts events of the kinds that the section names, and logs each of them.
 */
#include <string.h>

#include <t3ops/plugin.h>

enum { METRIC_EVENTS };

static bool is_wanted(struct t3ops_ctx *ctx, const char *kind)
{
	const char *item;

	for (size_t i = 0; (item = ctx->host->opt_item(ctx, "kinds", i)) != NULL; i++)
		if (strcmp(item, kind) == 0)
			return true;
	return false;
}

static void on_event(struct t3ops_ctx *ctx, const struct t3ops_event *e)
{
	if (!is_wanted(ctx, e->kind))
		return;
	ctx->host->count(ctx, METRIC_EVENTS, (const char *const[]){e->kind}, 1);
	ctx->host->log(ctx, T3OPS_NOTICE, "event_seen", "%s: %s", e->kind, e->segments[0] != '\0' ? e->segments : e->plugin);
}

static const struct t3ops_option options[] = {
    {"kinds", T3OPS_OPT_LIST, "verdict verdict_healed", 0, 0, "Kinds of events to look for; t3ops(8) lists them."},
};

static const struct t3ops_metric metrics[] = {
    [METRIC_EVENTS] = {.name = "t3ops_@NAME@_events_total",
                       .type = T3OPS_COUNTER,
                       .labels = {"kind"},
                       .help = "Events that were looked for."},
};

T3OPS_PLUGIN(@NAME@) = {
    T3OPS_HEAD,
    .roles = T3OPS_ROLE_WATCH,
    .name = "@NAME@",
    .version = "0.1",
    .summary = "looks for events",
    .options = options,
    .metrics = metrics,
    .n_options = sizeof options / sizeof options[0],
    .n_metrics = sizeof metrics / sizeof metrics[0],
    .on_event = on_event,
};
