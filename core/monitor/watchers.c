/* SPDX-License-Identifier: MIT */
/* Events for watch plugins; see watchers.h. */
#include "monitor/watchers.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "diagnosis/topology.h"
#include "diagnosis/verdict_table.h"
#include "ipc/message.h"
#include "monitor/journal_read.h"
#include "monitor/verdict_json.h"

#define EARLIER_US    UINT64_C(86400000000)
#define ENDS_US       (8 * EARLIER_US) /* a job that runs once a week has ended within them */
#define EARLIER_LIMIT 1000

static bool is_of_a_verdict(const struct event *e)
{
	return e->kind == EVENT_VERDICT || e->kind == EVENT_VERDICT_HEALED || e->kind == EVENT_VERDICT_EXPIRED;
}

/* An event with room for what is made of it. */
struct shown {
	struct t3ops_event event;
	char line[EVENT_LINE_MAX];
	char json[EVENT_LINE_MAX];
	char segments[512]; /* of a leg */
	const char **users; /* released by shown_fini */
};

static const char **users_of(const struct verdict *v)
{
	const char **users = calloc(v->users.n + 1, sizeof *users);

	for (size_t i = 0; users != NULL && i < v->users.n; i++)
		users[i] = v->users.names[i];
	return users;
}

static void verdict_show(const struct monitor *d, uint64_t id, struct shown *s)
{
	const struct verdict *v = verdict_table_get(diagnosis_verdicts(d->diagnosis), id);

	s->event.verdict = id;
	if (v == NULL)
		return;
	s->users = users_of(v);
	s->event.since_us = v->drop_wall_us;
	s->event.users = s->users;
}

/* Events of a leg say what it crosses only where they speak of a part of it. */
static void leg_show(const struct monitor *d, const struct event *e, struct shown *s)
{
	const struct leg_def *leg = topology_leg(diagnosis_topology(d->diagnosis), e->plugin);
	size_t used = 0;

	if (leg == NULL)
		return;
	for (size_t i = 0; i < leg->segments.n && used < sizeof s->segments; i++)
		used += (size_t)snprintf(s->segments + used, sizeof s->segments - used, "%s%s", i > 0 ? " " : "",
		                         leg->segments.segments[i]);
	s->event.segments = s->segments;
}

static void shown_init(const struct monitor *d, const struct event *e, struct shown *s)
{
	event_format(e, s->line, sizeof s->line);
	event_format_json(e, s->json, sizeof s->json);
	s->users = NULL;
	s->event = (struct t3ops_event){.struct_size = sizeof(struct t3ops_event),
	                                .time_us = e->time_us,
	                                .kind = event_kind_name(e->kind),
	                                .plugin = e->plugin,
	                                .user = e->user,
	                                .line = s->line,
	                                .segments = e->segments,
	                                .level = event_kind_level(e->kind),
	                                .process = process_name(e->process),
	                                .json = s->json,
	                                .incident = event_incident(e)};
	if (is_of_a_verdict(e))
		verdict_show(d, e->count, s);
	else if (e->segments[0] == '\0')
		leg_show(d, e, s);
}

static void shown_fini(struct shown *s)
{
	free(s->users);
}

void watchers_event(struct monitor *d, const struct event *e)
{
	struct shown seen;

	if (d->plugins == NULL)
		return;
	shown_init(d, e, &seen);
	for (size_t i = 0; i < plugin_host_count(d->plugins); i++) {
		struct t3ops_instance *instance = plugin_host_at(d->plugins, i);

		if (!(instance->plugin.roles & T3OPS_ROLE_WATCH))
			continue;
		plugin_enter(instance, "on_event");
		instance->plugin.on_event(&instance->ctx, &seen.event);
		plugin_leave(instance);
	}
	shown_fini(&seen);
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
		    .segments = "",
		    .process = "",
		    .json = "{}"};

		earlier_call(i, &e);
	}
	json_decref(list);
}

static void verdicts_recall(struct monitor *d, struct t3ops_instance *i)
{
	const struct verdict_table *t = diagnosis_verdicts(d->diagnosis);

	for (size_t k = 0; k < t->n; k++) {
		struct shown seen;
		struct event e;

		if (t->rows[k]->state != VERDICT_STANDING)
			continue;
		verdict_standing_event(t->rows[k], &e);
		shown_init(d, &e, &seen);
		earlier_call(i, &seen.event);
		shown_fini(&seen);
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
