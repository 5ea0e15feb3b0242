/* SPDX-License-Identifier: MIT */
/* SQLite as the journal uses it; see journal_db.h. */
#include "monitor/journal_db.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "obs/log.h"

#define BUSY_MS 250 /* the monitor that is being replaced writes, too */

static const char schema[] =
    "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;"
    "CREATE TABLE IF NOT EXISTS events(serial INTEGER PRIMARY KEY, time_us INTEGER NOT NULL, kind TEXT NOT NULL,"
    " process TEXT NOT NULL, plugin TEXT NOT NULL, user TEXT NOT NULL, id INTEGER NOT NULL, line TEXT NOT NULL);"
    "CREATE INDEX IF NOT EXISTS events_time ON events(time_us);"
    "CREATE INDEX IF NOT EXISTS events_kind ON events(kind, time_us);"
    "CREATE TABLE IF NOT EXISTS verdicts(serial INTEGER PRIMARY KEY, time_us INTEGER NOT NULL,"
    " id INTEGER NOT NULL, json TEXT NOT NULL);"
    "CREATE INDEX IF NOT EXISTS verdicts_time ON verdicts(time_us);"
    "CREATE INDEX IF NOT EXISTS verdicts_incident ON verdicts(id);"
    "CREATE TABLE IF NOT EXISTS memory(id INTEGER PRIMARY KEY, text TEXT NOT NULL);"
    "CREATE TABLE IF NOT EXISTS browsers(user TEXT PRIMARY KEY, time_us INTEGER NOT NULL,"
    " goodbye TEXT NOT NULL, http2 INTEGER NOT NULL);"
    "CREATE TABLE IF NOT EXISTS pressure(time_us INTEGER PRIMARY KEY, memory INTEGER NOT NULL,"
    " io INTEGER NOT NULL, cpu INTEGER NOT NULL);"
    "CREATE TABLE IF NOT EXISTS recordings(incident INTEGER NOT NULL, piece INTEGER NOT NULL,"
    " time_us INTEGER NOT NULL, bytes INTEGER NOT NULL, text TEXT NOT NULL, PRIMARY KEY(incident, piece));"
    "CREATE INDEX IF NOT EXISTS recordings_time ON recordings(time_us);"
    "CREATE INDEX IF NOT EXISTS recordings_bytes ON recordings(incident, bytes);";

int journal_db_init(struct journal_db *j, const char *path)
{
	*j = (struct journal_db){.path = strdup(path)};
	return j->path != NULL ? 0 : -ENOMEM;
}

void journal_db_fini(struct journal_db *j)
{
	sqlite3_close(j->db);
	free(j->path);
}

/* A FIFO would be waited for. */
static bool is_file(const char *path)
{
	struct stat st;

	return stat(path, &st) < 0 || S_ISREG(st.st_mode);
}

void journal_db_report(struct journal_db *j, const char *op)
{
	if (!j->failing)
		log_write(LOG_L_ERROR, "journal_failed", kv_path(j->path), kv_op(op),
		          kv_error(j->db != NULL      ? sqlite3_errmsg(j->db)
		                   : is_file(j->path) ? "cannot open"
		                                      : "not a regular file"),
		          kv_effect("events are not kept"));
	j->failing = true;
}

bool journal_db_open(struct journal_db *j)
{
	if (j->db != NULL)
		return true;
	if (!is_file(j->path)) {
		journal_db_report(j, "open");
		return false;
	}
	if (sqlite3_open_v2(j->path, &j->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX,
	                    NULL) == SQLITE_OK) {
		sqlite3_busy_timeout(j->db, BUSY_MS);
		/* the sandbox leaves no directory for temporary files */
		sqlite3_exec(j->db, "PRAGMA temp_store = MEMORY", NULL, NULL, NULL);
		if (sqlite3_exec(j->db, schema, NULL, NULL, NULL) == SQLITE_OK)
			return true;
	}
	journal_db_report(j, "open");
	sqlite3_close(j->db);
	j->db = NULL;
	return false;
}

sqlite3_stmt *journal_db_prepare(struct journal_db *j, const char *sql)
{
	sqlite3_stmt *s = NULL;

	if (!journal_db_open(j))
		return NULL;
	if (sqlite3_prepare_v2(j->db, sql, -1, &s, NULL) != SQLITE_OK)
		journal_db_report(j, "prepare");
	return s;
}

void journal_db_bind_text(sqlite3_stmt *s, int at, const char *text)
{
	sqlite3_bind_text(s, at, text, -1, SQLITE_TRANSIENT);
}

bool journal_db_run(sqlite3_stmt *s)
{
	bool ok = sqlite3_step(s) == SQLITE_DONE;

	sqlite3_reset(s);
	return ok;
}

bool journal_db_is_busy(const struct journal_db *j)
{
	int error = j->db != NULL ? sqlite3_errcode(j->db) : SQLITE_OK;

	return (error & 0xff) == SQLITE_BUSY || (error & 0xff) == SQLITE_LOCKED;
}
