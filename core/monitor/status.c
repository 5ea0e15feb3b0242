/* SPDX-License-Identifier: MIT */
/* The state of processes and legs as JSON; see status.h. */
#include "monitor/status.h"

#include <stdlib.h>
#include <string.h>

#include "monitor/headline.h"
#include "monitor/journal_read.h"
#include "monitor/leg_rows.h"
#include "monitor/listing.h"
#include "sys/clock.h"
#include "sys/time_text.h"

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

static int by_name(const void *a, const void *b)
{
	return leg_row_compare(*(const struct leg_row *const *)a, *(const struct leg_row *const *)b);
}

static json_t *legs_json(const struct monitor *d)
{
	size_t n = 0;
	struct leg_row *rows = leg_rows(d, NULL, &n), **order = calloc(n + 1, sizeof *order);
	json_t *list = json_array();

	for (size_t i = 0; order != NULL && i < n; i++)
		order[i] = &rows[i];
	if (order != NULL)
		qsort(order, n, sizeof(struct leg_row *), by_name);
	for (size_t i = 0; order != NULL && i < n; i++)
		json_array_append_new(list, leg_row_json(d, order[i]));
	free(order);
	free(rows);
	return list;
}

/* ---- all of it --------------------------------------------------------------------------------------------- */

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

static json_t *head_json(const struct monitor *d)
{
	uint64_t open = diagnosis_gathering(d->diagnosis);

	return json_pack("{s:s, s:f, s:o, s:o, s:o}", "version", PACKAGE_VERSION, "uptime_seconds",
	                 (double)(clock_mono_us() - d->started_us) / 1e6, "incident",
	                 open != 0 ? json_integer((json_int_t)open) : json_null(), "processes", processes_json(d),
	                 "log_levels", log_levels_json(d));
}

static json_t *tail_json(const struct monitor *d)
{
	json_t *last = verdict_ring_json(&d->verdicts, 0, 1);
	json_t *o = json_pack("{s:o, s:I}", "last_verdict",
	                      json_array_size(last) > 0 ? json_incref(json_array_get(last, 0)) : json_null(),
	                      "journal_lost", (json_int_t)journal_lost(d->journal));

	json_decref(last);
	return o;
}

void status_ask(const struct monitor *d, struct listing_ask *ask)
{
	ask->of = LISTING_LEGS;
	ask->before = head_json(d);
	ask->key = "legs";
	ask->after = tail_json(d);
}

json_t *status_json(const struct monitor *d)
{
	json_t *o = head_json(d), *tail = tail_json(d);

	json_object_set_new(o, "legs", legs_json(d));
	json_object_update(o, tail);
	json_decref(tail);
	return o;
}
