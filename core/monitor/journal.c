/* SPDX-License-Identifier: MIT */
/* Rows on their way into the journal, and out of it when they are old; see journal.h. */
#include "monitor/journal.h"

#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "monitor/journal_cap.h"
#include "sys/clock.h"
#include "obs/log.h"
#include "ipc/message.h"

#define FLUSH_S      0.2
#define FLUSH_ROWS   256 /* at a time: the loop must not wait for all that a flood left */
#define RETRY_S      0.2 /* while somebody else holds the file */
#define PRUNE_S      3600.0
#define PRUNE_NEXT_S 0.05
#define PRUNE_ROWS   200  /* at a time: nor for months of rows */
#define QUEUE_MAX    8192 /* rows; more come only from a flood */

#define RECORDINGS_BYTES (INT64_C(256) << 20) /* of all of them; the oldest go first */

enum row_kind { ROW_EVENT, ROW_VERDICT, ROW_MEMORY, ROW_BROWSER, ROW_PRESSURE, ROW_RECORDING };

struct row {
	STAILQ_ENTRY(row) link;
	enum row_kind of;
	uint64_t time_us, id, serial;
	const char *kind, *process;
	char plugin[32], user[T3OPS_USER_NAME_SIZE];
	char *text; /* the line, the verdict's JSON, or what is to be known of it; of a browser: its goodbye */
	bool http2; /* of a browser */
	struct journal_minute minute;
};

struct journal {
	struct ev_loop *loop;
	struct journal_db file;
	uint64_t keep_us, lost, left_out;
	struct journal_cap cap;
	struct ev_timer flush, prune;
	size_t pruning; /* which is next */
	STAILQ_HEAD(, row) rows;
	size_t n;
};

static bool event_insert(sqlite3_stmt *s, const struct row *r)
{
	sqlite3_bind_int64(s, 1, (sqlite3_int64)r->time_us);
	journal_db_bind_text(s, 2, r->kind);
	journal_db_bind_text(s, 3, r->process);
	journal_db_bind_text(s, 4, r->plugin);
	journal_db_bind_text(s, 5, r->user);
	sqlite3_bind_int64(s, 6, (sqlite3_int64)r->id);
	journal_db_bind_text(s, 7, r->text);
	return journal_db_run(s);
}

static bool verdict_insert(sqlite3_stmt *s, const struct row *r)
{
	sqlite3_bind_int64(s, 1, (sqlite3_int64)r->serial);
	sqlite3_bind_int64(s, 2, (sqlite3_int64)r->time_us);
	sqlite3_bind_int64(s, 3, (sqlite3_int64)r->id);
	journal_db_bind_text(s, 4, r->text);
	return journal_db_run(s);
}

static bool memory_put(struct journal *j, const struct row *r)
{
	sqlite3_stmt *s = journal_db_prepare(&j->file, r->text[0] != '\0'
	                                                   ? "INSERT OR REPLACE INTO memory(id, text) VALUES(?,?)"
	                                                   : "DELETE FROM memory WHERE id = ?");
	bool ok = s != NULL;

	if (ok) {
		sqlite3_bind_int64(s, 1, (sqlite3_int64)r->id);
		if (r->text[0] != '\0')
			journal_db_bind_text(s, 2, r->text);
		ok = journal_db_run(s);
	}
	sqlite3_finalize(s);
	return ok;
}

static bool browser_put(struct journal *j, const struct row *r)
{
	sqlite3_stmt *s = journal_db_prepare(
	    &j->file, "INSERT OR REPLACE INTO browsers(user, time_us, goodbye, http2) VALUES(?,?,?,?)");
	bool ok = s != NULL;

	if (ok) {
		journal_db_bind_text(s, 1, r->user);
		sqlite3_bind_int64(s, 2, (sqlite3_int64)r->time_us);
		journal_db_bind_text(s, 3, r->text);
		sqlite3_bind_int64(s, 4, r->http2);
		ok = journal_db_run(s);
	}
	sqlite3_finalize(s);
	return ok;
}

static bool pressure_put(struct journal *j, const struct row *r)
{
	sqlite3_stmt *s = journal_db_prepare(
	    &j->file, "INSERT OR REPLACE INTO pressure(time_us, memory, io, cpu) VALUES(?,?,?,?)");
	bool ok = s != NULL;

	if (ok) {
		sqlite3_bind_int64(s, 1, (sqlite3_int64)r->minute.time_us);
		sqlite3_bind_int64(s, 2, r->minute.memory);
		sqlite3_bind_int64(s, 3, r->minute.io);
		sqlite3_bind_int64(s, 4, r->minute.cpu);
		ok = journal_db_run(s);
	}
	sqlite3_finalize(s);
	return ok;
}

/* One recording at most: there is a new one for it. */
static bool oldest_recording_remove(struct journal *j)
{
	sqlite3_stmt *s = journal_db_prepare(
	    &j->file, "DELETE FROM recordings WHERE incident = (SELECT min(incident) FROM recordings)"
	              " AND (SELECT sum(bytes) FROM recordings) > ?");
	bool ok = s != NULL;

	if (ok) {
		sqlite3_bind_int64(s, 1, RECORDINGS_BYTES);
		ok = journal_db_run(s);
	}
	sqlite3_finalize(s);
	return ok;
}

static bool recording_put(struct journal *j, const struct row *r)
{
	sqlite3_stmt *s = journal_db_prepare(
	    &j->file, "INSERT OR REPLACE INTO recordings(incident, piece, time_us, bytes, text) VALUES(?,?,?,?,?)");
	bool ok = s != NULL;

	if (ok) {
		sqlite3_bind_int64(s, 1, (sqlite3_int64)r->id);
		sqlite3_bind_int64(s, 2, (sqlite3_int64)r->serial);
		sqlite3_bind_int64(s, 3, (sqlite3_int64)r->time_us);
		sqlite3_bind_int64(s, 4, (sqlite3_int64)strlen(r->text));
		journal_db_bind_text(s, 5, r->text);
		ok = journal_db_run(s);
	}
	sqlite3_finalize(s);
	return ok && (r->serial > 0 || oldest_recording_remove(j));
}

static bool row_insert(struct journal *j, const struct row *r, sqlite3_stmt *events, sqlite3_stmt *verdicts)
{
	switch (r->of) {
	case ROW_MEMORY:
		return memory_put(j, r);
	case ROW_BROWSER:
		return browser_put(j, r);
	case ROW_PRESSURE:
		return pressure_put(j, r);
	case ROW_RECORDING:
		return recording_put(j, r);
	case ROW_VERDICT:
		return verdict_insert(verdicts, r);
	default:
		return event_insert(events, r);
	}
}

/* The first n of them. */
static bool rows_insert(struct journal *j, size_t n)
{
	sqlite3_stmt *events = journal_db_prepare(
	    &j->file, "INSERT INTO events(time_us, kind, process, plugin, user, id, line) VALUES(?,?,?,?,?,?,?)");
	sqlite3_stmt *verdicts = journal_db_prepare(
	    &j->file, "INSERT OR REPLACE INTO verdicts(serial, time_us, id, json) VALUES(?,?,?,?)");
	bool ok = events != NULL && verdicts != NULL;
	const struct row *r = STAILQ_FIRST(&j->rows);

	for (; r != NULL && n > 0; r = STAILQ_NEXT(r, link), n--)
		ok = ok && row_insert(j, r, events, verdicts);
	sqlite3_finalize(events);
	sqlite3_finalize(verdicts);
	return ok;
}

/* The first n of them. */
static void rows_clear(struct journal *j, size_t n)
{
	struct row *r;

	while (n-- > 0 && (r = STAILQ_FIRST(&j->rows)) != NULL) {
		STAILQ_REMOVE_HEAD(&j->rows, link);
		free(r->text);
		free(r);
		j->n--;
	}
}

static void flush_set(struct journal *j, double after_s)
{
	ev_timer_stop(j->loop, &j->flush);
	ev_timer_set(&j->flush, after_s, 0);
	ev_timer_start(j->loop, &j->flush);
}

static void rows_lose(struct journal *j)
{
	journal_db_report(&j->file, "write");
	j->lost += j->n;
	rows_clear(j, j->n);
}

/* False: they were not, and are lost unless somebody else holds the file, or it rests. */
static bool rows_write(struct journal *j, size_t n)
{
	bool busy, ok;

	if (journal_db_rests(&j->file))
		return false;
	ok = journal_db_open(&j->file) &&
	     sqlite3_exec(j->file.db, "BEGIN IMMEDIATE", NULL, NULL, NULL) == SQLITE_OK && rows_insert(j, n) &&
	     sqlite3_exec(j->file.db, "COMMIT", NULL, NULL, NULL) == SQLITE_OK;
	if (ok && j->file.failing)
		log_write(LOG_L_NOTICE, "journal_recovered", kv_path(j->file.path), kv_lost_rows((int64_t)j->lost));
	if (ok) {
		j->file.failing = false;
		rows_clear(j, n);
		journal_db_checkpoint(&j->file);
		return true;
	}
	busy = journal_db_is_busy(&j->file);
	if (!busy)
		rows_lose(j);
	if (j->file.db != NULL && sqlite3_get_autocommit(j->file.db) == 0)
		sqlite3_exec(j->file.db, "ROLLBACK", NULL, NULL, NULL);
	return false;
}

/* Some of those that wait; the others after the pause. */
static void flush(struct journal *j, size_t n, double pause_s)
{
	double next_s = n == 0 || rows_write(j, n) ? pause_s : RETRY_S;

	ev_timer_stop(j->loop, &j->flush);
	if (j->n > 0)
		flush_set(j, next_s);
}

void journal_flush(struct journal *j)
{
	flush(j, j->n, FLUSH_S);
}

static void on_flush(struct ev_loop *loop, struct ev_timer *w, int revents)
{
	struct journal *j = w->data;

	(void)loop, (void)revents;
	flush(j, j->n < FLUSH_ROWS ? j->n : FLUSH_ROWS, 0.);
}

/* What is too old of one table. */
struct pruning {
	const char *sql; /* of so many rows at most, before a time */
	int rows;
};

static const struct pruning prunings[] = {
    {"DELETE FROM events WHERE serial IN"
     " (SELECT serial FROM events WHERE time_us < ?1 ORDER BY time_us LIMIT ?2)",
     PRUNE_ROWS},
    {"DELETE FROM verdicts WHERE serial IN"
     " (SELECT serial FROM verdicts WHERE time_us < ?1 ORDER BY time_us LIMIT ?2)",
     PRUNE_ROWS},
    {"DELETE FROM browsers WHERE user IN"
     " (SELECT user FROM browsers WHERE time_us < ?1 ORDER BY time_us LIMIT ?2)",
     PRUNE_ROWS},
    {"DELETE FROM pressure WHERE time_us IN"
     " (SELECT time_us FROM pressure WHERE time_us < ?1 ORDER BY time_us LIMIT ?2)",
     PRUNE_ROWS},
    {"DELETE FROM recordings WHERE rowid IN"
     " (SELECT rowid FROM recordings WHERE time_us < ?1 ORDER BY time_us LIMIT ?2)",
     20},
};
#define PRUNINGS (sizeof prunings / sizeof prunings[0])

/* Whether there may be more. */
static bool prune(struct journal *j, const struct pruning *p, uint64_t before_us)
{
	sqlite3_stmt *s;
	bool ok, busy;

	if (journal_db_rests(&j->file))
		return true;
	s = journal_db_prepare(&j->file, p->sql);
	if (s == NULL)
		return false;
	sqlite3_bind_int64(s, 1, (sqlite3_int64)before_us);
	sqlite3_bind_int64(s, 2, p->rows);
	ok = journal_db_run(s);
	busy = !ok && journal_db_is_busy(&j->file);
	if (!ok && !busy)
		journal_db_report(&j->file, "prune");
	sqlite3_finalize(s);
	journal_db_checkpoint(&j->file);
	return busy || (ok && sqlite3_changes(j->file.db) == p->rows);
}

/* One table at a time. */
static void on_prune(struct ev_loop *loop, struct ev_timer *w, int revents)
{
	struct journal *j = w->data;
	uint64_t now = clock_wall_us();
	bool more;

	(void)revents;
	if (j->keep_us == 0 || j->keep_us >= now)
		return;
	more = prune(j, &prunings[j->pruning], now - j->keep_us);
	if (!more)
		j->pruning = (j->pruning + 1) % PRUNINGS;
	w->repeat = more || j->pruning > 0 ? PRUNE_NEXT_S : PRUNE_S;
	ev_timer_again(loop, w);
}

struct journal *journal_new(struct ev_loop *loop, const char *path, uint64_t keep_us)
{
	struct journal *j = calloc(1, sizeof *j);

	if (j == NULL)
		return NULL;
	if (journal_db_init(&j->file, path) < 0) {
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
	if (journal_db_open(&j->file))
		on_prune(loop, &j->prune, 0);
	return j;
}

void journal_free(struct journal *j)
{
	if (j == NULL)
		return;
	journal_db_be_patient(&j->file);
	journal_flush(j);
	if (j->n > 0)
		rows_lose(j);
	ev_timer_stop(j->loop, &j->flush);
	ev_timer_stop(j->loop, &j->prune);
	journal_cap_fini(&j->cap);
	journal_db_fini(&j->file);
	free(j);
}

uint64_t journal_lost(const struct journal *j)
{
	return j->lost;
}

uint64_t journal_left_out(const struct journal *j)
{
	return j->left_out;
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
	if (j->n++ == 0)
		flush_set(j, FLUSH_S);
}

static void event_queue(struct journal *j, const struct event *e)
{
	struct row r = {.time_us = e->time_us,
	                .id = e->id,
	                .kind = event_kind_name(e->kind),
	                .process = process_name(e->process)};
	char line[EVENT_LINE_MAX];

	event_set(r.plugin, e->plugin);
	event_set(r.user, e->user);
	event_format(e, line, sizeof line);
	row_queue(j, &r, strdup(line));
}

static void cap_report(struct journal *j, const char *user, uint64_t left_out)
{
	struct event e;

	event_init(&e, EVENT_JOURNAL_CAPPED, PROCESS_MONITOR);
	event_set(e.user, user);
	e.count = left_out;
	event_log(&e);
	event_queue(j, &e);
}

/* What a browser causes comes from the proxy; of everything else there is little.  The time is not the sender's: it
 * may have gone wild. */
static bool cap_allows(struct journal *j, const struct event *e)
{
	const char *user = e->user;
	uint64_t report = 0;
	bool passes = e->process != PROCESS_PROXY || journal_cap_passes(&j->cap, &user, clock_mono_us(), &report);

	if (report > 0)
		cap_report(j, user, report);
	j->left_out += !passes;
	return passes;
}

void journal_event(struct journal *j, const struct event *e)
{
	if (event_kind_journalled(e->kind) && cap_allows(j, e))
		event_queue(j, e);
}

void journal_verdict(struct journal *j, const json_t *verdict)
{
	struct row r = {.of = ROW_VERDICT, .time_us = clock_wall_us()};

	r.serial = (uint64_t)json_integer_value(json_object_get(verdict, "serial"));
	r.id = (uint64_t)json_integer_value(json_object_get(verdict, "incident"));
	row_queue(j, &r, json_dumps(verdict, JSON_COMPACT | JSON_REAL_PRECISION(12)));
}

void journal_memory(struct journal *j, uint64_t verdict, const char *text)
{
	struct row r = {.of = ROW_MEMORY, .id = verdict};

	row_queue(j, &r, strdup(text));
}

void journal_browser(struct journal *j, const char *user, const char *goodbye, bool http2)
{
	struct row r = {.of = ROW_BROWSER, .time_us = clock_wall_us(), .http2 = http2};

	event_set(r.user, user);
	row_queue(j, &r, strdup(goodbye));
}

void journal_pressure(struct journal *j, const struct journal_minute *m)
{
	struct row r = {.of = ROW_PRESSURE, .minute = *m};

	row_queue(j, &r, strdup(""));
}

void journal_recording(struct journal *j, uint64_t incident, unsigned piece, const char *text, size_t len)
{
	struct row r = {.of = ROW_RECORDING, .time_us = clock_wall_us(), .id = incident, .serial = piece};

	row_queue(j, &r, strndup(text, len));
}

struct journal_db *journal_written(struct journal *j)
{
	journal_flush(j);
	return &j->file;
}
