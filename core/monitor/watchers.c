/* SPDX-License-Identifier: MIT */
/* Events for watch plugins; see watchers.h. */
#include "monitor/watchers.h"

#include <string.h>

#include "monitor/journal_read.h"
#include "monitor/verdict_json.h"

#define EARLIER_US    UINT64_C(86400000000)
#define ENDS_US       (8 * EARLIER_US) /* a job that runs once a week has ended within them */
#define EARLIER_LIMIT 1000

static bool is_of_a_verdict(const struct event *e)
{
	return e->kind == EVENT_VERDICT || e->kind == EVENT_VERDICT_HEALED || e->kind == EVENT_VERDICT_EXPIRED;
}

/* line: room for it. */
static struct t3ops_event event_show(const struct event *e, char line[EVENT_LINE_MAX])
{
	event_format(e, line, EVENT_LINE_MAX);
	return (struct t3ops_event){.struct_size = sizeof(struct t3ops_event),
	                            .time_us = e->time_us,
	                            .kind = event_kind_name(e->kind),
	                            .plugin = e->plugin,
	                            .user = e->user,
	                            .line = line,
	                            .verdict = is_of_a_verdict(e) ? e->count : 0,
	                            .segments = e->segments};
}

void watchers_event(struct monitor *d, const struct event *e)
{
	char line[EVENT_LINE_MAX];
	struct t3ops_event seen;

	if (d->plugins == NULL)
		return;
	seen = event_show(e, line);
	for (size_t i = 0; i < plugin_host_count(d->plugins); i++) {
		struct t3ops_instance *instance = plugin_host_at(d->plugins, i);

		if (!(instance->plugin.roles & T3OPS_ROLE_WATCH))
			continue;
		plugin_enter(instance, "on_event");
		instance->plugin.on_event(&instance->ctx, &seen);
		plugin_leave(instance);
	}
}

bool watchers_own(const struct monitor *d, const struct event *e)
{
	for (size_t i = 0; d->plugins != NULL && i < plugin_host_count(d->plugins); i++) {
		const struct t3ops_instance *instance = plugin_host_at(d->plugins, i);

		if ((instance->plugin.roles & T3OPS_ROLE_WATCH) && strcmp(instance->ctx.name, e->plugin) == 0)
			return true;
	}
	return false;
}

/* ---- earlier ones ------------------------------------------------------------------------------------------ */

static void earlier_call(struct t3ops_instance *i, const struct t3ops_event *e)
{
	plugin_enter(i, "on_earlier");
	i->plugin.on_earlier(&i->ctx, e);
	plugin_leave(i);
}

static void own_recall(struct monitor *d, struct t3ops_instance *i)
{
	uint64_t now_us = clock_wall_us();
	json_t *list = journal_plugin_events(d->journal, i->ctx.name, now_us > EARLIER_US ? now_us - EARLIER_US : 0,
	                                     now_us > ENDS_US ? now_us - ENDS_US : 0, EARLIER_LIMIT);

	for (size_t k = json_array_size(list); k-- > 0;) {
		const json_t *row = json_array_get(list, k);
		const struct t3ops_event e = {
		    .struct_size = sizeof e,
		    .time_us = (uint64_t)json_integer_value(json_object_get(row, "time_us")),
		    .kind = json_string_value(json_object_get(row, "kind")),
		    .plugin = i->ctx.name,
		    .user = json_string_value(json_object_get(row, "user")),
		    .line = json_string_value(json_object_get(row, "line")),
		    .segments = ""};

		earlier_call(i, &e);
	}
	json_decref(list);
}

static void verdicts_recall(struct monitor *d, struct t3ops_instance *i)
{
	const struct verdict_table *t = diagnosis_verdicts(d->diagnosis);
	char line[EVENT_LINE_MAX];

	for (size_t k = 0; k < t->n; k++) {
		struct t3ops_event seen;
		struct event e;

		if (t->rows[k]->state != VERDICT_STANDING)
			continue;
		verdict_standing_event(t->rows[k], &e);
		seen = event_show(&e, line);
		earlier_call(i, &seen);
	}
}

void watchers_recall(struct monitor *d)
{
	for (size_t i = 0; d->plugins != NULL && i < plugin_host_count(d->plugins); i++) {
		struct t3ops_instance *instance = plugin_host_at(d->plugins, i);

		if (!(instance->plugin.roles & T3OPS_ROLE_WATCH) || instance->plugin.on_earlier == NULL)
			continue;
		own_recall(d, instance);
		verdicts_recall(d, instance);
	}
}
