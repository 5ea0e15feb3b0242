/* SPDX-License-Identifier: MIT */
/* See database.h. */
#include <setjmp.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "database.h"
#include "files.h"

void database_exec(const char *path, const char *text)
{
	sqlite3 *db;
	char *why = NULL;

	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	sqlite3_busy_timeout(db, 30000);
	if (sqlite3_exec(db, text, NULL, NULL, &why) != SQLITE_OK)
		fail_msg("%s: %s", text, why);
	sqlite3_close(db);
}

/* The first statement fails over a schema that cannot be read. */
void database_exec_newer(const char *path, const char *text)
{
	sqlite3 *db;

	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	sqlite3_exec(db, "PRAGMA writable_schema=ON", NULL, NULL, NULL);
	sqlite3_exec(db, "SELECT 1 FROM sqlite_schema", NULL, NULL, NULL);
	assert_int_equal(sqlite3_exec(db, text, NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
}

void database_text(const char *path, const char *text, char *out, size_t size)
{
	sqlite3_stmt *stmt;
	sqlite3 *db;

	assert_int_equal(sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_prepare_v2(db, text, -1, &stmt, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
	snprintf(out, size, "%s", (const char *)sqlite3_column_text(stmt, 0));
	sqlite3_finalize(stmt);
	sqlite3_close(db);
}

long database_number(const char *path, const char *text)
{
	char out[64];

	database_text(path, text, out, sizeof out);
	return strtol(out, NULL, 10);
}

void database_make(const char *path, int rows)
{
	char text[512];

	PATH(text,
	     "PRAGMA journal_mode=WAL; CREATE TABLE events(id INTEGER PRIMARY KEY, body BLOB); CREATE INDEX by_body "
	     "ON "
	     "events(body); CREATE TABLE totals(n INTEGER); WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i+1 "
	     "FROM c "
	     "WHERE i<%d) INSERT INTO events(body) SELECT randomblob(400) FROM c; INSERT INTO totals VALUES(%d)",
	     rows, rows);
	database_exec(path, text);
}

void database_check(const char *path, long least)
{
	char text[64], again[600];

	database_text(path, "PRAGMA integrity_check", text, sizeof text);
	assert_string_equal(text, "ok");
	assert_int_equal(database_number(path, "SELECT count(*) FROM events"),
	                 database_number(path, "SELECT n FROM totals"));
	assert_true(database_number(path, "SELECT n FROM totals") >= least);
	PATH(again, "%s.restored", path);
	assert_int_equal(link(path, again), 0);
	database_exec(again, "PRAGMA journal_mode=WAL; INSERT INTO events(body) VALUES('after'); DROP TABLE totals");
	assert_int_equal(unlink(again), 0);
}
