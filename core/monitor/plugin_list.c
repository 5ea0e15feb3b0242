/* SPDX-License-Identifier: MIT */
/* Plugins and their faults; see plugin_list.h. */
#include "monitor/plugin_list.h"

#include <stdlib.h>
#include <string.h>

#include "conf/process_config.h"
#include "loader/plugin_kind.h"
#include "monitor/logfmt_value.h"
#include "monitor/reading.h"
#include "sys/clock.h"
#include "sys/time_text.h"

#define DAY_US UINT64_C(86400000000)

/* Of one section. */
struct plugin_faults {
	uint64_t slow, slow_last_us, longest_us;
	char longest[32]; /* the callback */
	uint64_t ended, ended_last_us;
	char ended_in[32];
};

struct plugin_list {
	const struct process_config *config;
	struct plugin_faults *faults; /* of each section */
	uint64_t began_us;            /* since 1970: what was before is in the journal */
};

struct plugin_list *plugin_list_new(const struct process_config *config)
{
	struct plugin_list *l = calloc(1, sizeof *l);

	if (l == NULL)
		return NULL;
	l->config = config;
	l->began_us = clock_wall_us();
	l->faults = calloc(config->n_sections + 1, sizeof *l->faults);
	if (l->faults != NULL)
		return l;
	free(l);
	return NULL;
}

void plugin_list_free(struct plugin_list *l)
{
	if (l == NULL)
		return;
	free(l->faults);
	free(l);
}

/* ---- what went wrong -------------------------------------------------------------------------------------- */

/* NULL: it is no section of this configuration. */
static struct plugin_faults *faults_of(const struct plugin_list *l, const char *section)
{
	for (size_t i = 0; i < l->config->n_sections; i++)
		if (strcmp(l->config->sections[i].name, section) == 0)
			return &l->faults[i];
	return NULL;
}

static void slow_note(struct plugin_faults *f, uint64_t time_us, const char *callback, uint64_t took_us)
{
	f->slow++;
	f->slow_last_us = time_us > f->slow_last_us ? time_us : f->slow_last_us;
	if (took_us < f->longest_us)
		return;
	f->longest_us = took_us;
	event_set(f->longest, callback);
}

static void ended_note(struct plugin_faults *f, uint64_t time_us, const char *callback)
{
	f->ended++;
	if (time_us < f->ended_last_us)
		return;
	f->ended_last_us = time_us;
	event_set(f->ended_in, callback);
}

void plugin_list_event(struct plugin_list *l, const struct event *e)
{
	struct plugin_faults *f = e->plugin[0] != '\0' && e->time_us >= l->began_us ? faults_of(l, e->plugin) : NULL;

	if (f == NULL)
		return;
	if (e->kind == EVENT_CALLBACK_SLOW)
		slow_note(f, e->time_us, e->callback, e->age_us);
	else if (e->kind == EVENT_PROCESS_EXITED) /* also of one that was killed */
		ended_note(f, e->time_us, e->callback);
}

/* ---- the journal ------------------------------------------------------------------------------------------ */

static struct plugin_faults *row_faults(const struct plugin_list *l, sqlite3_stmt *row, char *callback, size_t size)
{
	const char *plugin = (const char *)sqlite3_column_text(row, 1);
	const char *line = (const char *)sqlite3_column_text(row, 2);

	return plugin != NULL && line != NULL && logfmt_value(line, "callback", callback, size) ? faults_of(l, plugin)
	                                                                                        : NULL;
}

static bool on_slow(void *arg, sqlite3_stmt *row)
{
	const struct monitor *d = arg;
	char callback[32], took[32] = "";
	struct plugin_faults *f = row_faults(d->plugin_list, row, callback, sizeof callback);

	if (f == NULL)
		return true;
	logfmt_value((const char *)sqlite3_column_text(row, 2), "duration_ms", took, sizeof took);
	slow_note(f, (uint64_t)sqlite3_column_int64(row, 0), callback, (uint64_t)(strtod(took, NULL) * 1000));
	return true;
}

static bool on_ended(void *arg, sqlite3_stmt *row)
{
	const struct monitor *d = arg;
	char callback[32];
	struct plugin_faults *f = row_faults(d->plugin_list, row, callback, sizeof callback);

	if (f != NULL)
		ended_note(f, (uint64_t)sqlite3_column_int64(row, 0), callback);
	return true;
}

static void on_end(void *arg, enum reading_end how)
{
	(void)arg, (void)how;
}

void plugin_list_begin(struct monitor *d)
{
	static const char sql[] = "SELECT time_us, plugin, line FROM events WHERE kind = ?3 AND time_us >= ?1 AND "
	                          "time_us < ?2";
	static const char *const kinds[] = {"callback_slow", "process_exited"};
	struct reading_task task = {.on_end = on_end, .arg = d, .owner = d->plugin_list};

	for (; task.n < sizeof kinds / sizeof kinds[0]; task.n++)
		task.parts[task.n] = (struct reading_part){.sql = sql,
		                                           .text = kinds[task.n],
		                                           .from_us = d->plugin_list->began_us - DAY_US,
		                                           .until_us = d->plugin_list->began_us,
		                                           .on_row = task.n == 0 ? on_slow : on_ended};
	reading_start(d->readings, &task);
}

/* ---- as JSON ---------------------------------------------------------------------------------------------- */

static json_t *time_json(uint64_t time_us)
{
	char text[32];

	if (time_us == 0)
		return json_null();
	time_text(time_us, text);
	return json_string(text);
}

static json_t *faults_json(const struct plugin_faults *f, json_t **ended)
{
	*ended = json_pack("{s:I, s:s, s:o}", "processes", (json_int_t)f->ended, "callback", f->ended_in, "last",
	                   time_json(f->ended_last_us));
	return json_pack("{s:I, s:f, s:s, s:o}", "callbacks", (json_int_t)f->slow, "longest_seconds",
	                 (double)f->longest_us / 1e6, "longest_callback", f->longest, "last",
	                 time_json(f->slow_last_us));
}

/* Of the processes that load it: how many are ready, and how often they were started again. */
static json_t *processes_json(const struct monitor *d, size_t section, json_int_t *restarts)
{
	const struct process_config *config = d->process->config;
	json_t *processes = json_object();
	json_int_t running;

	*restarts = 0;
	for (enum process_id id = PROCESS_PROXY; id <= PROCESS_MONITOR; id++) {
		if (!section_is_loaded(config->sections, config->n_sections, section, id))
			continue;
		running = 0;
		for (size_t i = 0; i < d->processes.n; i++) {
			if (d->processes.rows[i].process != id)
				continue;
			running += d->processes.rows[i].state == PROCESS_READY;
			*restarts += d->processes.rows[i].restarts;
		}
		json_object_set_new(processes, process_name(id), json_integer(running));
	}
	return processes;
}

static json_int_t legs_count(const struct monitor *d, const char *section)
{
	const struct probe_table *legs = diagnosis_legs(d->diagnosis);
	json_int_t n = 0;

	for (size_t i = 0; i < legs->n; i++)
		n += strcmp(legs->rows[i]->def->name, section) == 0;
	return n;
}

static json_t *plugin_json(const struct monitor *d, size_t section)
{
	const struct plugin_section *s = &d->process->config->sections[section];
	json_int_t restarts;
	json_t *ended, *slow = faults_json(&d->plugin_list->faults[section], &ended), *o;
	char kind[80];

	o = json_pack("{s:s, s:s, s:s, s:o, s:s, s:o}", "name", s->name, "plugin", s->module, "version", s->version,
	              "abi", json_sprintf("%d.%u", T3OPS_ABI_MAJOR, s->abi_minor), "kind",
	              plugin_kind(s->roles, kind, sizeof kind), "processes", processes_json(d, section, &restarts));
	if (s->roles & T3OPS_ROLE_LEG)
		json_object_set_new(o, "legs", json_integer(legs_count(d, s->name)));
	json_object_set_new(o, "restarts", json_integer(restarts));
	json_object_set_new(o, "slow", slow);
	json_object_set_new(o, "ended", ended);
	return o;
}

json_t *plugin_list_json(const struct monitor *d)
{
	json_t *list = json_array();

	for (size_t i = 0; i < d->process->config->n_sections; i++)
		json_array_append_new(list, plugin_json(d, i));
	return json_pack("{s:o, s:o, s:o}", "since", time_json(d->plugin_list->began_us - DAY_US), "abi",
	                 json_sprintf("%d.%d", T3OPS_ABI_MAJOR, T3OPS_ABI_MINOR), "plugins", list);
}
