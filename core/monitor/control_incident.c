/* SPDX-License-Identifier: MIT */
/* Recordings on their way out; see control_incident.h. */
#include "monitor/control_incident.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "monitor/control_line.h"
#include "monitor/reading.h"
#include "monitor/recording_text.h"
#include "monitor/status.h"
#include "sys/clock.h"

#define LAST_SIZE 512 /* more than the last two lines of a recording take */

static const char pieces_sql[] = "SELECT piece, text FROM recordings WHERE incident = ?1 ORDER BY piece";
static const char verdicts_sql[] = "SELECT json FROM verdicts WHERE id = ?1 ORDER BY serial";

struct export
{
	struct local_conn *c;
	uint64_t incident;
	json_t *standing;     /* as they are now, which the journal does not know */
	char last[LAST_SIZE]; /* the end of what was sent */
	size_t n_last;
	sqlite3_int64 pieces; /* that were sent */
	bool ended, is_followed;
	const char *state;
};

static void part_send(struct export *e, const char *text, size_t n)
{
	control_line(e->c, json_pack("{s:o}", "part", json_stringn(text, n)));
}

/* Keeps the end of all pieces. */
static void last_follow(struct export *e, const char *text, size_t n)
{
	size_t keep = n < LAST_SIZE - 1 ? LAST_SIZE - 1 - n : 0;

	if (n > LAST_SIZE - 1) {
		text += n - (LAST_SIZE - 1);
		n = LAST_SIZE - 1;
	}
	if (e->n_last > keep) {
		memmove(e->last, e->last + e->n_last - keep, keep);
		e->n_last = keep;
	}
	memcpy(e->last + e->n_last, text, n);
	e->n_last += n;
	e->last[e->n_last] = '\0';
}

/* What comes behind a piece that is not there says nothing. */
static bool piece_take(void *arg, sqlite3_stmt *row)
{
	struct export *e = arg;
	const char *text = (const char *)sqlite3_column_text(row, 1);

	if (text == NULL || sqlite3_column_int64(row, 0) != e->pieces) {
		e->is_followed = false;
		return false;
	}
	e->pieces++;
	part_send(e, text, strlen(text));
	last_follow(e, text, strlen(text));
	return true;
}

/* Of a recording that does not say how it ended. */
static void end_write(struct export *e, FILE *out)
{
	if (e->last[e->n_last - 1] != '\n')
		fputc('\n', out);
	if (!e->is_followed)
		recording_incomplete_write(
		    "t3ops was killed, or could not write its journal: what happened from then on is not here", out);
	recording_end_write(e->state, clock_wall_us(), out);
}

static void end_send(struct export *e)
{
	char *text = NULL;
	size_t len = 0;
	FILE *out;

	if (e->ended || e->n_last == 0)
		return;
	e->ended = true;
	if (strstr(e->last, "\nend ") != NULL) {
		e->state = strstr(e->last, "\nincomplete ") != NULL ? "incomplete" : "over";
		return;
	}
	e->state = e->is_followed ? "open" : "incomplete";
	out = open_memstream(&text, &len);
	if (out == NULL)
		return;
	end_write(e, out);
	if (fclose(out) == 0)
		part_send(e, text, len);
	free(text);
}

/* As it is now, if it stands. */
static json_t *verdict_now(const struct export *e, json_t *verdict)
{
	json_int_t serial = json_integer_value(json_object_get(verdict, "serial"));
	json_t *one;
	size_t i;

	json_array_foreach (e->standing, i, one)
		if (json_integer_value(json_object_get(one, "serial")) == serial)
			return one;
	return verdict;
}

static bool verdict_take(void *arg, sqlite3_stmt *row)
{
	struct export *e = arg;
	json_t *verdict = json_loads((const char *)sqlite3_column_text(row, 0), 0, NULL);
	char *json = json_dumps(verdict_now(e, verdict), JSON_COMPACT | JSON_ENSURE_ASCII | JSON_REAL_PRECISION(12));
	char *line = NULL;

	end_send(e);
	if (e->pieces > 0 && json != NULL && asprintf(&line, "verdict %s\n", json) >= 0) {
		part_send(e, line, strlen(line));
		free(line);
	}
	free(json);
	json_decref(verdict);
	return e->pieces > 0;
}

static void export_free(struct export *e)
{
	json_decref(e->standing);
	free(e);
}

static void on_end(void *arg, enum reading_end how)
{
	struct export *e = arg;

	if (how == READING_GONE) {
		export_free(e);
		return;
	}
	local_hold(e->c, false);
	end_send(e);
	if (how != READING_DONE)
		control_refuse(e->c, "the journal cannot be read; the line journal_failed of the log says why");
	else if (e->pieces == 0)
		control_refuse(e->c,
		               "there is no recording of that incident: \"t3opsctl show\" says which incident a "
		               "verdict belongs to; the oldest recordings are removed first");
	else
		control_answer(e->c, json_pack("{s:I, s:s}", "incident", (json_int_t)e->incident, "state", e->state));
	export_free(e);
}

void control_incident_export(struct monitor *d, struct local_conn *c, const json_t *request)
{
	json_int_t id = json_integer_value(json_object_get(request, "id"));
	struct export *e = id > 0 ? calloc(1, sizeof *e) : NULL;
	struct reading_task task = {.n = 2, .on_end = on_end, .arg = e, .owner = c};

	if (e == NULL) {
		control_refuse(c, id > 0 ? "there is no memory" : "incident needs \"id\", the number of one");
		return;
	}
	e->c = c;
	e->incident = (uint64_t)id;
	e->standing = standing_json(d);
	recorder_write_all(d->recorder, d->journal);
	e->is_followed = recorder_follows(d->recorder, e->incident);
	task.parts[0] = (struct reading_part){.sql = pieces_sql, .from_us = e->incident, .on_row = piece_take};
	task.parts[1] = (struct reading_part){.sql = verdicts_sql, .from_us = e->incident, .on_row = verdict_take};
	local_hold(c, true);
	reading_start(d->readings, &task);
}
