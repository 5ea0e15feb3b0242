/* SPDX-License-Identifier: MIT */
/* Verdicts of a time; see verdicts_since.h. */
#include "monitor/verdicts_since.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ipc/message.h"
#include "monitor/reading.h"
#include "monitor/status.h"
#include "monitor/verdict_span.h"
#include "sys/clock.h"

/* A row of one that ended has the time of its end, of one that stands the time when it was given. */
static const char sql[] = "SELECT json FROM verdicts WHERE time_us >= ?1 ORDER BY time_us DESC";

struct search {
	struct verdicts_ask ask;
	char user[T3OPS_USER_NAME_SIZE], segment[T3OPS_USER_NAME_SIZE + 64];
	json_t *seen, *list;
	uint64_t now_us;
};

static bool may_be_about(const struct search *s, const json_t *verdict)
{
	return s->user[0] == '\0' || verdict_span_is_about(verdict, s->user) ||
	       (s->ask.unnamed && json_integer_value(json_object_get(verdict, "users_omitted")) > 0);
}

static bool is_wanted(const struct search *s, const json_t *verdict)
{
	struct verdict_span span;

	return verdict_span_read(verdict, &span) && span.began_us <= s->ask.until_us &&
	       (span.ended_us == 0 || span.ended_us >= s->ask.since_us) && may_be_about(s, verdict) &&
	       (s->segment[0] == '\0' || verdict_span_has_segment(verdict, s->segment));
}

/* Its latest revision comes first. */
static void verdict_consider(struct search *s, const json_t *verdict)
{
	json_t *copy;
	char id[24];

	snprintf(id, sizeof id, "%lld", (long long)json_integer_value(json_object_get(verdict, "id")));
	if (json_object_get(s->seen, id) != NULL)
		return;
	json_object_set_new(s->seen, id, json_true());
	if (!is_wanted(s, verdict))
		return;
	copy = json_copy((json_t *)verdict);
	verdict_span_add(copy, s->now_us);
	json_array_append_new(s->list, copy);
}

static bool verdict_take(void *arg, sqlite3_stmt *row)
{
	struct search *s = arg;
	json_t *verdict = json_loads((const char *)sqlite3_column_text(row, 0), 0, NULL);

	if (verdict != NULL)
		verdict_consider(s, verdict);
	json_decref(verdict);
	return json_array_size(s->list) < s->ask.limit;
}

static int newest_first(const void *a, const void *b)
{
	const json_t *l = *(json_t *const *)a, *r = *(json_t *const *)b;
	json_int_t x = json_integer_value(json_object_get(l, "id")), y = json_integer_value(json_object_get(r, "id"));
	int order = strcmp(json_string_value(json_object_get(r, "drop_time")),
	                   json_string_value(json_object_get(l, "drop_time")));

	return order != 0 ? order : (x < y) - (x > y);
}

/* By their beginnings: the journal has them by their ends. */
static json_t *list_sorted(json_t *list)
{
	size_t n = json_array_size(list);
	json_t **rows = calloc(n + 1, sizeof *rows), *sorted = json_array();

	for (size_t i = 0; rows != NULL && i < n; i++)
		rows[i] = json_array_get(list, i);
	if (rows != NULL)
		qsort(rows, n, sizeof *rows, newest_first);
	for (size_t i = 0; rows != NULL && i < n; i++)
		json_array_append(sorted, rows[i]);
	free(rows);
	json_decref(list);
	return sorted;
}

static void on_end(void *arg, enum reading_end how)
{
	struct search *s = arg;
	struct verdicts_ask ask = s->ask;
	json_t *list = how == READING_DONE ? list_sorted(json_incref(s->list)) : NULL;

	json_decref(s->seen);
	json_decref(s->list);
	free(s);
	ask.on_verdicts(ask.arg, list, how == READING_GONE);
}

void verdicts_since(struct monitor *d, const struct verdicts_ask *ask)
{
	struct search *s = calloc(1, sizeof *s);
	struct reading_task task = {.n = 1, .on_end = on_end, .arg = s, .owner = ask->owner};
	json_t *standing, *verdict;
	size_t i;

	if (s == NULL) {
		ask->on_verdicts(ask->arg, NULL, false);
		return;
	}
	s->ask = *ask;
	s->now_us = clock_wall_us();
	if (s->ask.until_us == 0)
		s->ask.until_us = s->now_us;
	if (s->ask.limit == 0 || s->ask.limit > LIST_MAX)
		s->ask.limit = LIST_MAX;
	event_set(s->user, ask->user);
	event_set(s->segment, ask->segment);
	s->seen = json_object();
	s->list = json_array();
	standing = standing_json(d);
	json_array_foreach (standing, i, verdict)
		verdict_consider(s, verdict);
	json_decref(standing);
	task.parts[0] = (struct reading_part){.sql = sql, .from_us = s->ask.since_us, .on_row = verdict_take};
	reading_start(d->readings, &task);
}
