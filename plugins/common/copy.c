/* SPDX-License-Identifier: MIT */
/* Copying and checking one database; see copy.h.  The source is opened read-only. */
#include "common/copy.h"

#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <sqlite3.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "common/bulk_vfs.h"
#include "common/census.h"
#include "common/due.h"
#include "common/gentle.h"

#define LOCKED_FOR_US    UINT64_C(10000000) /* how long a locked source is tried again */
#define LOCKED_PAUSE_US  50000
#define STEPS_PER_GLANCE 1000 /* of SQLite's virtual machine, between looks at the clock */

/* SQLite takes an empty file for a new database, and removes the -wal file of another one. */
#define WAL_ALONE                                                                                                    \
	"damaged: it is empty, and its -wal file is not; opening it would remove that, so nothing was touched: put " \
	"a copy "                                                                                                    \
	"of both aside first"

/* One database, and until when there is time for it. */
struct work {
	sqlite3 *db;
	const char *path;
	uint64_t until_us, locked_until_us;
	struct gentle *gentle;        /* NULL: no pauses */
	const struct copy_more *more; /* of the source */
	char *why;
	size_t why_size;
};

/* A full disk shows in several ways, a full quota in more. */
static bool is_full(int rc, int error)
{
	return rc == SQLITE_FULL || (rc == SQLITE_IOERR && (error == ENOSPC || error == EDQUOT || error == EFBIG));
}

static int say(const struct work *w, int error, const char *what, const char *detail)
{
	snprintf(w->why, w->why_size, "%s: %s%s%s", w->path, what, *detail ? ": " : "", detail);
	return error;
}

/* What only a parser says; a damaged schema has other words (orphan index, invalid rootpage). */
static bool is_newer(const struct work *w, int rc)
{
	static const char *const unknown[] = {"syntax error",       "unknown table option", "unknown datatype",
	                                      "unrecognized token", "no such function",     "unknown join type"};
	const char *text = sqlite3_errmsg(w->db);

	if ((rc & 0xff) == SQLITE_ERROR && strcmp(text, "unsupported file format") == 0)
		return true;
	if (strncmp(text, "malformed database schema", strlen("malformed database schema")) != 0)
		return false;
	for (size_t i = 0; i < sizeof unknown / sizeof unknown[0]; i++)
		if (strstr(text, unknown[i]))
			return true;
	return false;
}

static int say_newer(const struct work *w)
{
	char what[64];

	snprintf(what, sizeof what, "its schema is newer than SQLite %s", sqlite3_libversion());
	return say(w, -ENOTSUP, what, sqlite3_errmsg(w->db));
}

/* What a result code of SQLite means for the operator. */
static int failed(const struct work *w, int rc)
{
	int error = sqlite3_system_errno(w->db);

	rc &= 0xff;
	if (rc == SQLITE_INTERRUPT)
		return say(w, -ETIMEDOUT, "stopped shortly before the deadline", "");
	if (rc == SQLITE_BUSY || rc == SQLITE_LOCKED)
		return say(w, is_due(w->until_us) ? -ETIMEDOUT : -EBUSY, "locked by another program", "");
	if (is_full(rc, error))
		return say(w, -ENOSPC, "no room for the copy (disk or quota full)", error ? strerror(error) : "");
	if (is_newer(w, rc))
		return say_newer(w);
	if (rc == SQLITE_CORRUPT || rc == SQLITE_NOTADB)
		return say(w, -EBADMSG, "damaged", sqlite3_errmsg(w->db));
	if (rc == SQLITE_CANTOPEN || rc == SQLITE_PERM)
		return say(w, -EACCES, "cannot be opened", error ? strerror(error) : sqlite3_errmsg(w->db));
	return say(w, -EIO, sqlite3_errmsg(w->db), error ? strerror(error) : "");
}

static int on_progress(void *arg)
{
	const struct work *w = arg;

	if (w->gentle != NULL)
		gentle_pause(w->gentle);
	return is_due(w->until_us);
}

static int on_locked(void *arg, int tries)
{
	struct work *w = arg;
	uint64_t now = due_now_us();

	if (tries == 0)
		w->locked_until_us = now + LOCKED_FOR_US < w->until_us ? now + LOCKED_FOR_US : w->until_us;
	if (now >= w->locked_until_us)
		return 0;
	usleep(LOCKED_PAUSE_US);
	return 1;
}

/* Its path is absolute, and so never a URI. */
static int work_open(struct work *w)
{
	int rc = sqlite3_open_v2(w->path, &w->db, SQLITE_OPEN_READONLY | SQLITE_OPEN_URI, NULL);

	if (rc != SQLITE_OK)
		return failed(w, rc);
	sqlite3_progress_handler(w->db, STEPS_PER_GLANCE, on_progress, w);
	sqlite3_busy_handler(w->db, on_locked, w);
	return 0;
}

/* Runs a statement of at most one row; text of its first column goes to out.  argument may be NULL. */
static int ask(struct work *w, const char *sql, const char *argument, char *out, size_t size)
{
	sqlite3_stmt *stmt = NULL;
	int rc = sqlite3_prepare_v2(w->db, sql, -1, &stmt, NULL), r = 0;

	out[0] = '\0';
	if (rc == SQLITE_OK && argument)
		rc = sqlite3_bind_text(stmt, 1, argument, -1, SQLITE_STATIC);
	if (rc == SQLITE_OK)
		rc = sqlite3_step(stmt);
	if (rc == SQLITE_ROW) {
		const char *text = (const char *)sqlite3_column_text(stmt, 0);

		snprintf(out, size, "%s", text ? text : "");
	} else if (rc != SQLITE_DONE) {
		r = failed(w, rc);
	}
	sqlite3_finalize(stmt);
	return r;
}

static bool is_wal_filled(const char *path)
{
	char wal[PATH_MAX];
	struct stat st;

	return snprintf(wal, sizeof wal, "%s-wal", path) < (int)sizeof wal && stat(wal, &st) == 0 && st.st_size > 0;
}

static int source_check(const struct work *w)
{
	struct stat st;

	if (stat(w->path, &st) < 0)
		return say(w, -errno, errno == ENOENT ? "not there; has t3 ever run for this user?" : strerror(errno),
		           "");
	if (!S_ISREG(st.st_mode))
		return say(w, -EIO, "not a regular file", "");
	return st.st_size > 0 || !is_wal_filled(w->path) ? 0 : say(w, -EBADMSG, WAL_ALONE, "");
}

static int number_ask(struct work *w, const char *sql, long long *out)
{
	char text[32];
	int r = ask(w, sql, NULL, text, sizeof text);

	*out = strtoll(text, NULL, 10);
	return r;
}

/* What is there must hold what the copy will need, its pages without those that are free, and what comes besides. */
static int room_check(struct work *source, const char *to)
{
	long long size = 0, pages = 0, unused = 0, needed, room;
	char dir[PATH_MAX], text[96];
	struct statvfs fs;
	int r = number_ask(source, "PRAGMA page_size", &size);

	if (r == 0)
		r = number_ask(source, "PRAGMA page_count", &pages);
	if (r == 0)
		r = number_ask(source, "PRAGMA freelist_count", &unused);
	snprintf(dir, sizeof dir, "%s", to);
	if (strrchr(dir, '/') != NULL)
		*strrchr(dir, '/') = '\0';
	if (r < 0 || statvfs(dir, &fs) < 0)
		return r;
	needed = (pages - unused) * size;
	needed += needed * source->more->percent / 100 + source->more->bytes;
	room = (long long)fs.f_bavail * (long long)fs.f_frsize;
	if (needed <= room)
		return 0;
	snprintf(text, sizeof text, "it needs %lld bytes and %lld are free", needed, room);
	return say(source, -ENOSPC, "no room for the copy", text);
}

static int census_result(struct work *w, int rc)
{
	return rc == SQLITE_OK ? 0 : failed(w, rc);
}

static int integrity_check(struct work *w)
{
	char text[256];
	int r = ask(w, "PRAGMA integrity_check(1)", NULL, text, sizeof text);

	if (r < 0)
		return r;
	return strcmp(text, "ok") == 0 ? 0 : say(w, -EBADMSG, "the copy fails its integrity check", text);
}

/* c: of the copy; empty if it fails before it is counted. */
static int copy_check(struct work *w, struct census *c)
{
	int r = census_result(w, census_take(w->db, c));

	if (r < 0)
		return r;
	if (json_object_size(c->rows) == 0)
		return say(w, -ENODATA, "the database has no tables; a copy of nothing is not a backup", "");
	return integrity_check(w);
}

/* ---- a schema that cannot be read here ------------------------------------------------------------------ */

/* From then on SQLite makes do with what it can read of the schema; the first statement still fails over the rest. */
static void schema_tolerate(struct work *w)
{
	sqlite3_exec(w->db, "PRAGMA writable_schema = ON", NULL, NULL, NULL);
	sqlite3_exec(w->db, "SELECT 1 FROM sqlite_schema", NULL, NULL, NULL);
}

/* All pages as they are, of one moment; nothing of it reads the schema.  In one step: a writer between two of them
 * would begin it anew. */
static int pages_copy(struct work *source, const char *to)
{
	struct work copy = *source;
	sqlite3_backup *backup;
	int rc, r = 0;

	copy.path = to;
	rc = sqlite3_open_v2(to, &copy.db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, NULL);
	backup = rc == SQLITE_OK ? sqlite3_backup_init(copy.db, "main", source->db, "main") : NULL;
	do {
		rc = backup ? sqlite3_backup_step(backup, -1) : sqlite3_errcode(copy.db);
	} while ((rc == SQLITE_BUSY || rc == SQLITE_LOCKED) && usleep(LOCKED_PAUSE_US) == 0 &&
	         !is_due(source->until_us));
	sqlite3_backup_finish(backup);
	copy.path = source->path;
	if (rc != SQLITE_DONE)
		r = failed(&copy, rc);
	sqlite3_close(copy.db);
	return r;
}

/* The tables that can be read, each by itself: the pages of the others look like lost ones. */
static int tables_check(struct work *w)
{
	char name[256] = "", after[256], text[256];
	int r;

	for (;;) {
		memcpy(after, name, sizeof after);
		r = ask(
		    w,
		    "SELECT min(name) FROM pragma_table_list WHERE schema = 'main' AND type = 'table' AND name > ?1",
		    after, name, sizeof name);
		if (r < 0 || name[0] == '\0')
			return r;
		r = ask(w, "SELECT integrity_check FROM pragma_integrity_check(?1)", name, text, sizeof text);
		if (r < 0)
			return r;
		if (strcmp(text, "ok") != 0)
			return say(w, -EBADMSG, "the copy fails its integrity check", text);
	}
}

static int newer_copy(const char *to, struct work *source)
{
	struct work copy = *source;
	char newer[320];
	int r;

	snprintf(newer, sizeof newer, "%s", source->why);
	copy.path = to;
	r = pages_copy(source, to);
	if (r == 0)
		r = work_open(&copy);
	else
		copy.db = NULL;
	if (r == 0) {
		copy.path = source->path;
		schema_tolerate(&copy);
		r = tables_check(&copy);
	}
	sqlite3_close(copy.db);
	if (r < 0)
		return r;
	snprintf(source->why, source->why_size, "%s", newer);
	return COPY_UNREAD;
}

/* ---- the whole ------------------------------------------------------------------------------------------ */

static int vacuum_into(struct work *source, const char *to)
{
	char uri[BULK_URI_MAX], text[8];
	struct bulk_vfs bulk;
	int r = bulk_uri(to, uri, sizeof uri);

	if (r < 0 || bulk_vfs_begin(&bulk) != SQLITE_OK)
		return say(source, -EIO, "VACUUM INTO cannot begin", to);
	r = ask(source, "VACUUM INTO ?1", uri, text, sizeof text);
	bulk_vfs_end(&bulk);
	return r == 0 && bulk.error != 0 ? say(source, -bulk.error, "the copy", strerror(bulk.error)) : r;
}

/* What nobody wrote to meanwhile is counted row by row, and is before and after it the same. */
static int source_count(struct work *source, struct census *before, struct census *after)
{
	int r;

	if (census_changed(before, after))
		return 0;
	census_fini(after);
	r = census_result(source, census_take(source->db, after));
	if (r == 0 && !census_changed(before, after)) {
		json_decref(before->rows);
		before->rows = json_incref(after->rows);
	}
	return r;
}

/* The copy, and what the source held before and after it. */
static int source_copy(struct work *source, const char *to, struct census *before, struct census *after)
{
	char text[64];
	int r = work_open(source);

	if (r == 0)
		r = ask(source, "SELECT 1 FROM sqlite_schema LIMIT 1", NULL, text, sizeof text);
	if (r == 0)
		r = room_check(source, to);
	if (r == 0)
		r = census_result(source, census_glance(source->db, before));
	if (r == 0)
		r = vacuum_into(source, to);
	if (r == 0)
		r = census_result(source, census_glance(source->db, after));
	if (r == 0)
		r = source_count(source, before, after);
	if (r == -ENOTSUP)
		r = newer_copy(to, source);
	sqlite3_close(source->db);
	return r;
}

static void facts_take(struct copy_facts *facts, struct census *c)
{
	facts->rows = c->rows;
	facts->migration = c->migration;
	c->rows = NULL;
}

/* Opens and checks it; named: as the operator knows it; is_fresh: its pages are in memory, and read there. */
static int database_check(struct work *w, const char *named, bool is_fresh, struct census *c)
{
	int r = work_open(w);

	w->path = named;
	if (r == 0 && is_fresh)
		sqlite3_exec(w->db, "PRAGMA mmap_size = 1099511627776", NULL, NULL, NULL);
	if (r == 0)
		r = copy_check(w, c);
	sqlite3_close(w->db);
	return r;
}

int copy_verify(const char *path, uint64_t until_us, struct copy_facts *facts, char *why, size_t why_size)
{
	struct work w = {.path = path, .until_us = until_us, .why = why, .why_size = why_size};
	struct census c = {.rows = NULL};
	int r = source_check(&w);

	*facts = (struct copy_facts){.migration = -1};
	if (r == 0)
		r = database_check(&w, path, false, &c);
	if (r == 0)
		facts_take(facts, &c);
	census_fini(&c);
	return r;
}

struct beside {
	copy_beside *run;
	const char *copy;
	uint64_t until_us;
	struct copy_facts *facts;
};

static void *beside_main(void *arg)
{
	const struct beside *b = arg;

	b->run(b->copy, b->until_us, b->facts);
	return NULL;
}

/* The copy has no name yet, so it is called as its source. */
static int copy_check_beside(struct work *copy, const char *named, struct beside *b, struct census *c)
{
	pthread_t thread;
	bool is_begun = b->run != NULL && pthread_create(&thread, NULL, beside_main, b) == 0;
	int r = database_check(copy, named, true, c);

	if (is_begun)
		pthread_join(thread, NULL);
	return r;
}

int copy_database(const char *from, const char *to, uint64_t until_us, struct copy_facts *facts, char *why,
                  size_t why_size)
{
	return copy_database_and(&(struct copy_more){0}, from, to, until_us, facts, why, why_size);
}

int copy_database_and(const struct copy_more *more, const char *from, const char *to, uint64_t until_us,
                      struct copy_facts *facts, char *why, size_t why_size)
{
	struct beside b = {.run = more->beside, .copy = to, .until_us = until_us, .facts = facts};
	struct work source = {.path = from, .until_us = until_us, .more = more, .why = why, .why_size = why_size},
	            copy = source;
	struct census before = {.rows = NULL}, after = before, mine = before;
	char wal[PATH_MAX], differs[160];
	struct gentle gentle;
	int r = source_check(&source);

	*facts = (struct copy_facts){.migration = -1};
	snprintf(wal, sizeof wal, "%s-wal", from);
	gentle_begin(&gentle, wal, until_us);
	source.gentle = &gentle;
	copy.path = to;
	if (r == 0)
		r = source_copy(&source, to, &before, &after);
	facts->paused_us = gentle.paused_us;
	facts->wal_grown = gentle_wal_grown(&gentle);
	if (r == 0)
		r = copy_check_beside(&copy, from, &b, &mine);
	if (r == 0 && !census_fits(&before, &mine, &after, differs, sizeof differs))
		r = say(&source, -EBADMSG, "the copy is not what the source held", differs);
	if (r == 0)
		facts_take(facts, &mine);
	facts->changed = r == 0 && census_changed(&before, &after);
	census_fini(&before);
	census_fini(&after);
	census_fini(&mine);
	return r;
}

void copy_facts_fini(struct copy_facts *facts)
{
	json_decref(facts->rows);
	facts->rows = NULL;
}
