/* SPDX-License-Identifier: MIT */
/* SQLite's own checks, and the tables; see journal_check.h. */
#include "monitor/journal_check.h"

#include <errno.h>
#include <limits.h>
#include <sqlite3.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sys/clock.h"

#define LOOK_US       UINT64_C(1000000)
#define LARGE_BYTES   (16 << 20) /* of a file whose pages are not all looked at: every reload would wait for that */
#define LATEST        "200"      /* rows of each table of it are: new ones go beside them */
#define STEPS_BETWEEN 10000      /* of SQLite's virtual machine, between two looks at the clock */

static int on_progress(void *arg)
{
	return clock_mono_us() > *(const uint64_t *)arg;
}

/* Nothing beside the file is touched: without a write-ahead log nobody writes it now. */
static int db_open(const char *path, sqlite3 **db)
{
	char wal[PATH_MAX], uri[3 * PATH_MAX];
	size_t n = 0;

	snprintf(wal, sizeof wal, "%s-wal", path);
	n += (size_t)snprintf(uri, sizeof uri, "file:");
	for (const char *c = path; *c && n + 4 < sizeof uri - 32; c++)
		n += (size_t)snprintf(uri + n, sizeof uri - n, strchr("?#%", *c) ? "%%%02x" : "%c", *c);
	snprintf(uri + n, sizeof uri - n, access(wal, F_OK) == 0 ? "?mode=ro" : "?mode=ro&immutable=1");
	return sqlite3_open_v2(uri, db, SQLITE_OPEN_READONLY | SQLITE_OPEN_URI | SQLITE_OPEN_NOMUTEX, NULL);
}

static bool is_damage(int r)
{
	return (r & 0xff) == SQLITE_CORRUPT || (r & 0xff) == SQLITE_NOTADB;
}

static const char *const tables[] = {"events", "verdicts", "memory", "recordings", "pressure"};
#define TABLES (sizeof tables / sizeof tables[0])

/* Whether reading the latest rows of the table finds damage. */
static bool latest_are_damaged(sqlite3 *db, const char *table)
{
	char sql[100];
	sqlite3_stmt *s = NULL;
	int r;

	snprintf(sql, sizeof sql, "SELECT * FROM %s ORDER BY rowid DESC LIMIT " LATEST, table);
	r = sqlite3_prepare_v2(db, sql, -1, &s, NULL);
	if (r == SQLITE_OK)
		while ((r = sqlite3_step(s)) == SQLITE_ROW)
			;
	sqlite3_finalize(s);
	return is_damage(r);
}

static const char *latest_check(sqlite3 *db, char *buf, size_t size)
{
	for (size_t i = 0; i < TABLES; i++)
		if (latest_are_damaged(db, tables[i])) {
			snprintf(buf, size, "%s", sqlite3_errmsg(db));
			return buf;
		}
	return NULL;
}

static bool is_large(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && st.st_size > LARGE_BYTES;
}

/* The first row of PRAGMA quick_check is "ok". */
static const char *quick_check(sqlite3 *db, char *buf, size_t size)
{
	sqlite3_stmt *s = NULL;
	const char *found = NULL;
	int r = sqlite3_prepare_v2(db, "PRAGMA quick_check(1)", -1, &s, NULL);

	if (r == SQLITE_OK)
		r = sqlite3_step(s);
	if (is_damage(r))
		found = sqlite3_errmsg(db);
	else if (r == SQLITE_ROW && strcmp((const char *)sqlite3_column_text(s, 0), "ok") != 0)
		found = (const char *)sqlite3_column_text(s, 0);
	if (found)
		snprintf(buf, size, "%s", found);
	sqlite3_finalize(s);
	return found ? buf : NULL;
}

static bool has_table(sqlite3 *db, const char *table)
{
	return sqlite3_table_column_metadata(db, NULL, table, NULL, NULL, NULL, NULL, NULL, NULL) == SQLITE_OK;
}

/* Of a table that is not there yet nothing is wrong. */
static const char *columns_check(sqlite3 *db, char *buf, size_t size)
{
	static const char *const selects[TABLES] = {
	    "SELECT serial, time_us, kind, process, plugin, user, id, line FROM events",
	    "SELECT serial, time_us, id, json FROM verdicts", "SELECT id, text FROM memory",
	    "SELECT incident, piece, time_us, bytes, text FROM recordings",
	    "SELECT time_us, memory, io, cpu FROM pressure"};

	for (size_t i = 0; i < TABLES; i++) {
		sqlite3_stmt *s = NULL;
		int r = has_table(db, tables[i]) ? sqlite3_prepare_v2(db, selects[i], -1, &s, NULL) : SQLITE_OK;

		sqlite3_finalize(s);
		if (r == SQLITE_ERROR) {
			snprintf(buf, size, "table %s: %s: not a journal of t3ops", tables[i], sqlite3_errmsg(db));
			return buf;
		}
	}
	return NULL;
}

const char *journal_check_content(const char *path, char *buf, size_t size)
{
	uint64_t until_us = clock_mono_us() + LOOK_US;
	const char *fault = NULL;
	sqlite3 *db = NULL;

	if (db_open(path, &db) == SQLITE_OK) {
		sqlite3_progress_handler(db, STEPS_BETWEEN, on_progress, &until_us);
		fault = is_large(path) ? latest_check(db, buf, size) : quick_check(db, buf, size);
		if (!fault)
			fault = columns_check(db, buf, size);
	}
	sqlite3_close(db);
	return fault;
}

const char *journal_check(const char *path, char *buf, size_t size)
{
	struct stat st;

	if (stat(path, &st) < 0)
		return NULL;
	if (!S_ISREG(st.st_mode))
		return "not a regular file";
	if (access(path, R_OK | W_OK) < 0) {
		snprintf(buf, size, "%s", strerror(errno));
		return buf;
	}
	return journal_check_content(path, buf, size);
}
