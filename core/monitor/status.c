/* SPDX-License-Identifier: MIT */
/* The state of processes and legs as JSON; see status.h. */
#include "monitor/status.h"

#include <stdlib.h>
#include <string.h>

#include "monitor/headline.h"
#include "monitor/journal_read.h"
#include "sys/clock.h"
#include "sys/time_text.h"
#include "tbl/reason.h"

static const char *state_name(unsigned state)
{
	static const char *const names[] = {"unknown", "starting", "ready", "draining", "stopping", "dead"};

	return state < sizeof names / sizeof names[0] ? names[state] : "unknown";
}

static json_t *process_json(const struct msg_process *r)
{
	char since[32];

	time_text(r->since_us, since);
	return json_pack("{s:s, s:s, s:i, s:i, s:i, s:s}", "process", process_name(r->process), "state",
	                 state_name(r->state), "pid", (int)r->pid, "serial", (int)r->serial, "restarts",
	                 (int)r->restarts, "since", since);
}

/* The order of two rows: by process, then by age. */
static int by_process(const void *a, const void *b)
{
	const struct msg_process *p = a, *q = b;

	return p->process != q->process ? (p->process > q->process) - (p->process < q->process)
	                                : (p->serial > q->serial) - (p->serial < q->serial);
}

static int by_name(const void *a, const void *b)
{
	const struct leg *p = *(const struct leg *const *)a, *q = *(const struct leg *const *)b;
	int r = strcmp(p->def->name, q->def->name);

	return r != 0 ? r : strcmp(p->user, q->user);
}

/* A copy of the rows in that order, whatever order they came in; to be freed.  NULL: there are none, or no memory. */
static void *sorted(const void *rows, size_t n, size_t size, int (*order)(const void *, const void *))
{
	void *copy = n > 0 ? malloc(n * size) : NULL;

	if (copy) {
		memcpy(copy, rows, n * size);
		qsort(copy, n, size, order);
	}
	return copy;
}

static json_t *processes_json(const struct monitor *d)
{
	struct msg_process *rows = sorted(d->processes.rows, d->processes.n, sizeof *rows, by_process);
	json_t *list = json_array();

	for (size_t i = 0; rows && i < d->processes.n; i++)
		json_array_append_new(list, process_json(&rows[i]));
	free(rows);
	return list;
}

static void log_level_add(json_t *levels, const struct monitor *d, unsigned process)
{
	uint8_t chosen = d->log_levels.chosen[process];
	enum log_level level = chosen != 0 ? (enum log_level)chosen : d->process->config->core.log_level;

	json_object_set_new(levels, process_name((enum process_id)process), json_string(log_level_name(level)));
}

json_t *log_levels_json(const struct monitor *d)
{
	json_t *levels = json_object();

	log_level_add(levels, d, PROCESS_SUPERVISOR);
	for (unsigned process = PROCESS_NONE + 1; process < PROCESSES; process++)
		for (size_t i = 0; i < d->processes.n; i++)
			if (d->processes.rows[i].process == process)
				log_level_add(levels, d, process);
	return json_pack("{s:s, s:o}", "configured", log_level_name(d->process->config->core.log_level), "processes",
	                 levels);
}

/* "ok" or "failed" of what the leg measures beside its connection; nothing while it measures nothing. */
static void aspect_add(json_t *o, const char *key, const struct leg_aspect *a)
{
	if (a->state != ASPECT_UNKNOWN)
		json_object_set_new(o, key, json_string(a->state == ASPECT_FAILS ? "failed" : "ok"));
}

/* How it ended, or why it cannot be established. */
static void end_add(json_t *o, const struct monitor *d, const struct leg *leg)
{
	const char *detail = leg_details_get(&d->leg_details, leg->def->name, leg->user);

	json_object_set_new(o, "reason", json_string(reason_label(leg->last.reason)));
	json_object_set_new(o, "step", json_string(step_label(leg->last.step)));
	json_object_set_new(o, "code", json_integer(leg->last.code));
	if (detail[0] != '\0')
		json_object_set_new(o, "detail", json_string(detail));
}

static json_t *leg_json(const struct monitor *d, const struct leg *leg)
{
	json_t *o, *segments = json_array();
	char since[32];

	for (size_t i = 0; i < leg->def->segments.n; i++)
		json_array_append_new(segments, json_string(leg->def->segments.segments[i]));
	time_text(leg->since_us, since);
	o = json_pack("{s:s, s:s?, s:s, s:s?, s:o}", "name", leg->def->name, "user", *leg->user ? leg->user : NULL,
	              "state", leg_state_name(leg), "since", leg->since_us > 0 ? since : NULL, "segments", segments);
	if (leg->colo[0] != '\0')
		json_object_set_new(o, "colo", json_string(leg->colo));
	if (leg->rtt_us > 0)
		json_object_set_new(o, "rtt_seconds", json_real((double)leg->rtt_us / 1e6));
	if (leg->state == LEG_IS_DOWN || leg->state == LEG_IS_WALLED_OFF)
		end_add(o, d, leg);
	if (leg->resolver != RESOLVER_UNKNOWN)
		json_object_set_new(o, "resolver", json_string(leg->resolver == RESOLVER_FAILS ? "failed" : "ok"));
	aspect_add(o, "fresh_connections", &leg->fresh);
	aspect_add(o, "large_messages", &leg->large);
	return o;
}

json_t *legs_json(const struct monitor *d)
{
	const struct probe_table *legs = diagnosis_legs(d->diagnosis);
	struct leg **rows = sorted(legs->rows, legs->n, sizeof(struct leg *), by_name);
	json_t *list = json_array();

	for (size_t i = 0; rows && i < legs->n; i++)
		json_array_append_new(list, leg_json(d, rows[i]));
	free(rows);
	return list;
}

json_t *verdicts_json(const struct monitor *d, uint64_t after, size_t limit)
{
	if (limit > LIST_MAX)
		limit = LIST_MAX;
	return verdict_ring_has(&d->verdicts, after, limit) ? verdict_ring_json(&d->verdicts, after, limit)
	                                                    : journal_verdicts(d->journal, after, limit);
}

json_t *standing_json(struct monitor *d)
{
	return verdict_board_json(&d->board, diagnosis_verdicts(d->diagnosis));
}

/* Those that all users cross. */
static void shared_legs_count(const struct monitor *d, struct headline_facts *f)
{
	const struct probe_table *legs = diagnosis_legs(d->diagnosis);

	for (size_t i = 0; i < legs->n; i++)
		if (legs->rows[i]->user[0] == '\0') {
			f->legs++;
			f->legs_down += legs->rows[i]->state == LEG_IS_DOWN;
		}
}

json_t *headline_json(struct monitor *d)
{
	json_t *standing = standing_json(d), *last = verdict_ring_json(&d->verdicts, 0, 1), *made;
	struct headline_facts f = {.verdicts = standing,
	                           .last = json_array_get(last, 0),
	                           .incident_us = diagnosis_gathering(d->diagnosis) != 0 ? d->gathering_us : 0,
	                           .since_us = clock_wall_us() - (clock_mono_us() - d->started_us)};

	shared_legs_count(d, &f);
	made = headline_make(&f);
	json_decref(standing);
	json_decref(last);
	return made;
}

json_t *status_json(const struct monitor *d)
{
	uint64_t open = diagnosis_gathering(d->diagnosis);
	json_t *last = verdict_ring_json(&d->verdicts, 0, 1);
	json_t *o = json_pack("{s:s, s:f, s:o, s:o, s:o, s:o, s:o, s:I}", "version", PACKAGE_VERSION,
	                      "uptime_seconds", (double)(clock_mono_us() - d->started_us) / 1e6, "incident",
	                      open != 0 ? json_integer((json_int_t)open) : json_null(), "processes",
	                      processes_json(d), "log_levels", log_levels_json(d), "legs", legs_json(d),
	                      "last_verdict",
	                      json_array_size(last) > 0 ? json_incref(json_array_get(last, 0)) : json_null(),
	                      "journal_lost", (json_int_t)journal_lost(d->journal));

	json_decref(last);
	return o;
}
