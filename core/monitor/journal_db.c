/* SPDX-License-Identifier: MIT */
/* SQLite as the journal uses it; see journal_db.h. */
#include "monitor/journal_db.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "obs/log.h"

#define BUSY_MS          250  /* the monitor that is being replaced writes, too */
#define LOOP_MS          5    /* on the loop, which has better things to do: who waits for the file tries again */
#define CHECKPOINT_PAGES 1000 /* pages of the write-ahead log: 4 MB, as SQLite's own limit */
#define LONG_PAGES       8000 /* of one that has to get shorter first: whoever goes on writing keeps it from that */

/* On a connection of its own. */
struct checkpoint {
	pthread_t thread;
	char *path;
	bool of_long; /* log: nothing is written meanwhile */
	bool over;
};

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

/* ---- what is in the write-ahead log ------------------------------------------------------------------------ */

static void *checkpoint_do(void *arg)
{
	struct checkpoint *c = arg;
	sqlite3 *db;

	if (sqlite3_open_v2(c->path, &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL) == SQLITE_OK &&
	    sqlite3_exec(db, "PRAGMA synchronous=NORMAL", NULL, NULL, NULL) == SQLITE_OK)
		sqlite3_wal_checkpoint_v2(db, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
	sqlite3_close(db);
	__atomic_store_n(&c->over, true, __ATOMIC_RELEASE);
	return NULL;
}

/* Waits for it. */
static void checkpoint_end(struct journal_db *j)
{
	struct checkpoint *c = j->checkpoint;

	if (c == NULL)
		return;
	pthread_join(c->thread, NULL);
	j->checkpoint = NULL;
	free(c->path);
	free(c);
}

/* All signals are for the loop. */
static int thread_start(struct checkpoint *c)
{
	sigset_t all, before;
	int r;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	r = pthread_create(&c->thread, NULL, checkpoint_do, c);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return r;
}

/* Without a thread it is made here, as SQLite would. */
static void checkpoint_begin(struct journal_db *j)
{
	struct checkpoint *c = calloc(1, sizeof *c);

	if (c != NULL)
		*c = (struct checkpoint){.path = strdup(j->path), .of_long = j->wal_pages >= LONG_PAGES};
	j->wal_pages = 0;
	if (c != NULL && c->path != NULL && thread_start(c) == 0) {
		j->checkpoint = c;
		return;
	}
	if (c != NULL)
		free(c->path);
	free(c);
	sqlite3_wal_checkpoint_v2(j->db, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
}

/* Whether one is still being made. */
static bool checkpoint_goes_on(struct journal_db *j)
{
	if (j->checkpoint != NULL && __atomic_load_n(&j->checkpoint->over, __ATOMIC_ACQUIRE))
		checkpoint_end(j);
	return j->checkpoint != NULL;
}

void journal_db_checkpoint(struct journal_db *j)
{
	if (!checkpoint_goes_on(j) && j->db != NULL && j->wal_pages >= CHECKPOINT_PAGES)
		checkpoint_begin(j);
}

/* SQLite begins the log anew only when all of it is in the file, which it never is if more is written meanwhile. */
bool journal_db_rests(struct journal_db *j)
{
	return checkpoint_goes_on(j) && (j->checkpoint->of_long || j->wal_pages >= LONG_PAGES);
}

/* In place of a checkpoint in the middle of a commit. */
static int on_commit(void *arg, sqlite3 *db, const char *name, int pages)
{
	struct journal_db *j = arg;

	(void)db, (void)name;
	j->wal_pages = pages;
	return SQLITE_OK;
}

/* ---- the file ---------------------------------------------------------------------------------------------- */

void journal_db_fini(struct journal_db *j)
{
	checkpoint_end(j);
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
		if (sqlite3_exec(j->db, schema, NULL, NULL, NULL) == SQLITE_OK) {
			sqlite3_busy_timeout(j->db, LOOP_MS);
			sqlite3_wal_hook(j->db, on_commit, j);
			return true;
		}
	}
	journal_db_report(j, "open");
	sqlite3_close(j->db);
	j->db = NULL;
	return false;
}

void journal_db_be_patient(struct journal_db *j)
{
	checkpoint_end(j);
	if (j->db != NULL)
		sqlite3_busy_timeout(j->db, BUSY_MS);
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
