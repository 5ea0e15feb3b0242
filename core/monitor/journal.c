/* SPDX-License-Identifier: MIT */
/* Events and verdicts in SQLite; see journal.h. */
#include "monitor/journal.h"

#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "sys/clock.h"
#include "sys/time_text.h"
#include "obs/log.h"
#include "ipc/message.h"
#include "diagnosis/verdict.h"

#define FLUSH_S      0.2
#define RETRY_S      1.0 /* while somebody else holds the file */
#define PRUNE_S      3600.0
#define PRUNE_NEXT_S 0.5
#define PRUNE_ROWS   2000 /* at a time: the loop must not wait for months of rows */
#define QUEUE_MAX    8192 /* rows; more come only from a flood */
#define BUSY_MS      250  /* the monitor that is being replaced writes, too */

struct row {
	STAILQ_ENTRY(row) link;
	bool is_verdict;
	uint64_t time_us, id, serial;
	const char *kind, *process;
	char plugin[32], user[64];
	char *text; /* the line, or the verdict's JSON */
};

struct journal {
	struct ev_loop *loop;
	char *path;
	sqlite3 *db; /* NULL: cannot be opened now */
	uint64_t keep_us, lost;
	bool failing; /* said so */
	struct ev_timer flush, prune;
	STAILQ_HEAD(, row) rows;
	size_t n;
};

static const char schema[] =
    "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;"
    "CREATE TABLE IF NOT EXISTS events(serial INTEGER PRIMARY KEY, time_us INTEGER NOT NULL, kind TEXT NOT NULL,"
    " process TEXT NOT NULL, plugin TEXT NOT NULL, user TEXT NOT NULL, id INTEGER NOT NULL, line TEXT NOT NULL);"
    "CREATE INDEX IF NOT EXISTS events_time ON events(time_us);"
    "CREATE INDEX IF NOT EXISTS events_kind ON events(kind, time_us);"
    "CREATE TABLE IF NOT EXISTS verdicts(serial INTEGER PRIMARY KEY, time_us INTEGER NOT NULL,"
    " id INTEGER NOT NULL, json TEXT NOT NULL);"
    "CREATE INDEX IF NOT EXISTS verdicts_time ON verdicts(time_us);";

static void report(struct journal *j, const char *op)
{
	if (!j->failing)
		log_write(LOG_L_ERROR, "journal_failed", kv_path(j->path), kv_op(op),
		          kv_error(j->db != NULL ? sqlite3_errmsg(j->db) : "cannot open"),
		          kv_effect("events are not kept"));
	j->failing = true;
}

static bool journal_open(struct journal *j)
{
	if (j->db != NULL)
		return true;
	if (sqlite3_open_v2(j->path, &j->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX,
	                    NULL) == SQLITE_OK) {
		sqlite3_busy_timeout(j->db, BUSY_MS);
		if (sqlite3_exec(j->db, schema, NULL, NULL, NULL) == SQLITE_OK)
			return true;
	}
	report(j, "open");
	sqlite3_close(j->db);
	j->db = NULL;
	return false;
}

/* Prepares and binds whole numbers first, texts behind; NULL: failed. */
static sqlite3_stmt *statement(struct journal *j, const char *sql)
{
	sqlite3_stmt *s = NULL;

	if (!journal_open(j))
		return NULL;
	if (sqlite3_prepare_v2(j->db, sql, -1, &s, NULL) != SQLITE_OK)
		report(j, "prepare");
	return s;
}

static void text_bind(sqlite3_stmt *s, int at, const char *text)
{
	sqlite3_bind_text(s, at, text, -1, SQLITE_TRANSIENT);
}

static bool run(sqlite3_stmt *s)
{
	bool ok = sqlite3_step(s) == SQLITE_DONE;

	sqlite3_reset(s);
	return ok;
}

static bool event_insert(sqlite3_stmt *s, const struct row *r)
{
	sqlite3_bind_int64(s, 1, (sqlite3_int64)r->time_us);
	text_bind(s, 2, r->kind);
	text_bind(s, 3, r->process);
	text_bind(s, 4, r->plugin);
	text_bind(s, 5, r->user);
	sqlite3_bind_int64(s, 6, (sqlite3_int64)r->id);
	text_bind(s, 7, r->text);
	return run(s);
}

static bool verdict_insert(sqlite3_stmt *s, const struct row *r)
{
	sqlite3_bind_int64(s, 1, (sqlite3_int64)r->serial);
	sqlite3_bind_int64(s, 2, (sqlite3_int64)r->time_us);
	sqlite3_bind_int64(s, 3, (sqlite3_int64)r->id);
	text_bind(s, 4, r->text);
	return run(s);
}

static bool rows_insert(struct journal *j)
{
	sqlite3_stmt *events = statement(
	    j, "INSERT INTO events(time_us, kind, process, plugin, user, id, line) VALUES(?,?,?,?,?,?,?)");
	sqlite3_stmt *verdicts = statement(
	    j, "INSERT OR REPLACE INTO verdicts(serial, time_us, id, json) VALUES(?,?,?,?)");
	bool ok = events != NULL && verdicts != NULL;
	const struct row *r;

	STAILQ_FOREACH(r, &j->rows, link)
	ok = ok && (r->is_verdict ? verdict_insert(verdicts, r) : event_insert(events, r));
	sqlite3_finalize(events);
	sqlite3_finalize(verdicts);
	return ok;
}

static void rows_clear(struct journal *j)
{
	struct row *r;

	while ((r = STAILQ_FIRST(&j->rows)) != NULL) {
		STAILQ_REMOVE_HEAD(&j->rows, link);
		free(r->text);
		free(r);
	}
	j->n = 0;
}

static bool is_busy(const struct journal *j)
{
	int error = j->db != NULL ? sqlite3_errcode(j->db) : SQLITE_OK;

	return (error & 0xff) == SQLITE_BUSY || (error & 0xff) == SQLITE_LOCKED;
}

/* They are written when the other one is done. */
static void rows_keep(struct journal *j)
{
	ev_timer_set(&j->flush, RETRY_S, 0);
	ev_timer_start(j->loop, &j->flush);
}

static void rows_lose(struct journal *j)
{
	report(j, "write");
	j->lost += j->n;
	rows_clear(j);
}

void journal_flush(struct journal *j)
{
	bool ok, busy;

	ev_timer_stop(j->loop, &j->flush);
	if (j->n == 0)
		return;
	ok = journal_open(j) && sqlite3_exec(j->db, "BEGIN IMMEDIATE", NULL, NULL, NULL) == SQLITE_OK &&
	     rows_insert(j) && sqlite3_exec(j->db, "COMMIT", NULL, NULL, NULL) == SQLITE_OK;
	if (ok && j->failing)
		log_write(LOG_L_NOTICE, "journal_recovered", kv_path(j->path), kv_lost((int64_t)j->lost));
	if (ok) {
		j->failing = false;
		rows_clear(j);
		return;
	}
	busy = is_busy(j);
	if (busy)
		rows_keep(j);
	else
		rows_lose(j);
	if (j->db != NULL && sqlite3_get_autocommit(j->db) == 0)
		sqlite3_exec(j->db, "ROLLBACK", NULL, NULL, NULL);
}

static void on_flush(struct ev_loop *loop, struct ev_timer *w, int revents)
{
	(void)loop, (void)revents;
	journal_flush(w->data);
}

/* Whether there may be more. */
static bool prune(struct journal *j, const char *sql, uint64_t before_us)
{
	sqlite3_stmt *s = statement(j, sql);
	bool ok;

	if (s == NULL)
		return false;
	sqlite3_bind_int64(s, 1, (sqlite3_int64)before_us);
	sqlite3_bind_int64(s, 2, PRUNE_ROWS);
	ok = run(s);
	if (!ok && !is_busy(j))
		report(j, "prune");
	sqlite3_finalize(s);
	return ok && sqlite3_changes(j->db) == PRUNE_ROWS;
}

static void on_prune(struct ev_loop *loop, struct ev_timer *w, int revents)
{
	struct journal *j = w->data;
	uint64_t now = clock_wall_us();

	bool more;

	(void)revents;
	if (j->keep_us == 0 || j->keep_us >= now)
		return;
	more = prune(j,
	             "DELETE FROM events WHERE serial IN"
	             " (SELECT serial FROM events WHERE time_us < ?1 ORDER BY time_us LIMIT ?2)",
	             now - j->keep_us);
	more = prune(j,
	             "DELETE FROM verdicts WHERE serial IN"
	             " (SELECT serial FROM verdicts WHERE time_us < ?1 ORDER BY time_us LIMIT ?2)",
	             now - j->keep_us) ||
	       more;
	w->repeat = more ? PRUNE_NEXT_S : PRUNE_S;
	ev_timer_again(loop, w);
}

struct journal *journal_new(struct ev_loop *loop, const char *path, uint64_t keep_us)
{
	struct journal *j = calloc(1, sizeof *j);

	if (j == NULL)
		return NULL;
	j->path = strdup(path);
	if (j->path == NULL) {
		free(j);
		return NULL;
	}
	j->loop = loop;
	j->keep_us = keep_us;
	STAILQ_INIT(&j->rows);
	ev_timer_init(&j->flush, on_flush, FLUSH_S, 0);
	ev_timer_init(&j->prune, on_prune, PRUNE_S, PRUNE_S);
	j->flush.data = j->prune.data = j;
	ev_timer_start(loop, &j->prune);
	if (journal_open(j))
		on_prune(loop, &j->prune, 0);
	return j;
}

void journal_free(struct journal *j)
{
	if (j == NULL)
		return;
	journal_flush(j);
	if (j->n > 0)
		rows_lose(j);
	ev_timer_stop(j->loop, &j->flush);
	ev_timer_stop(j->loop, &j->prune);
	sqlite3_close(j->db);
	free(j->path);
	free(j);
}

uint64_t journal_lost(const struct journal *j)
{
	return j->lost;
}

/* Queues the row with its text, which it takes; without memory or process it is lost. */
static void row_queue(struct journal *j, const struct row *like, char *text)
{
	struct row *r = j->n < QUEUE_MAX && text != NULL ? malloc(sizeof *r) : NULL;

	if (r == NULL) {
		free(text);
		j->lost++;
		return;
	}
	*r = *like;
	r->text = text;
	STAILQ_INSERT_TAIL(&j->rows, r, link);
	if (j->n++ == 0) {
		ev_timer_set(&j->flush, FLUSH_S, 0);
		ev_timer_start(j->loop, &j->flush);
	}
}

void journal_event(struct journal *j, const struct event *e)
{
	struct row r = {.time_us = e->time_us,
	                .id = e->id,
	                .kind = event_kind_name(e->kind),
	                .process = process_name(e->process)};
	char line[EVENT_LINE_MAX];

	if (!event_kind_journalled(e->kind))
		return;
	event_set(r.plugin, e->plugin);
	event_set(r.user, e->user);
	event_format(e, line, sizeof line);
	row_queue(j, &r, strdup(line));
}

void journal_verdict(struct journal *j, const json_t *verdict)
{
	struct row r = {.is_verdict = true, .time_us = clock_wall_us()};

	r.serial = (uint64_t)json_integer_value(json_object_get(verdict, "serial"));
	r.id = (uint64_t)json_integer_value(json_object_get(verdict, "id"));
	row_queue(j, &r, json_dumps(verdict, JSON_COMPACT));
}

uint64_t journal_last_incident(struct journal *j)
{
	sqlite3_stmt *s = statement(j, "SELECT max((SELECT coalesce(max(id), 0) FROM verdicts),"
	                               " (SELECT coalesce(max(id), 0) FROM events WHERE kind = 'verdict'))");
	uint64_t id = 0;

	if (s != NULL && sqlite3_step(s) == SQLITE_ROW)
		id = (uint64_t)sqlite3_column_int64(s, 0);
	sqlite3_finalize(s);
	return id;
}

json_t *journal_verdicts(struct journal *j, size_t limit)
{
	sqlite3_stmt *s;
	json_t *list = json_array();

	journal_flush(j);
	s = statement(j, "SELECT json FROM verdicts ORDER BY serial DESC LIMIT ?");
	if (s == NULL)
		return list;
	sqlite3_bind_int64(s, 1, (sqlite3_int64)limit);
	while (sqlite3_step(s) == SQLITE_ROW) {
		json_t *verdict = json_loads((const char *)sqlite3_column_text(s, 0), 0, NULL);

		if (verdict != NULL)
			json_array_append_new(list, verdict);
	}
	sqlite3_finalize(s);
	return list;
}

static json_t *event_row_json(sqlite3_stmt *s)
{
	char when[32];

	time_text((uint64_t)sqlite3_column_int64(s, 1), when);
	return json_pack("{s:I, s:s, s:s, s:s, s:s, s:s, s:s}", "serial", (json_int_t)sqlite3_column_int64(s, 0),
	                 "time", when, "kind", sqlite3_column_text(s, 2), "process", sqlite3_column_text(s, 3),
	                 "plugin", sqlite3_column_text(s, 4), "user", sqlite3_column_text(s, 5), "line",
	                 sqlite3_column_text(s, 6));
}

json_t *journal_events(struct journal *j, const char *kind, uint64_t since_us, size_t limit)
{
	sqlite3_stmt *s;
	json_t *list = json_array();

	journal_flush(j);
	s = statement(j, "SELECT serial, time_us, kind, process, plugin, user, line FROM events"
	                 " WHERE (?1 = '' OR kind = ?1) AND time_us >= ?2 ORDER BY serial DESC LIMIT ?3");
	if (s == NULL)
		return list;
	text_bind(s, 1, kind);
	sqlite3_bind_int64(s, 2, (sqlite3_int64)since_us);
	sqlite3_bind_int64(s, 3, (sqlite3_int64)limit);
	while (sqlite3_step(s) == SQLITE_ROW) {
		json_t *row = event_row_json(s);

		if (row != NULL)
			json_array_append_new(list, row);
	}
	sqlite3_finalize(s);
	return list;
}
