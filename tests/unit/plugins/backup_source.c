/* SPDX-License-Identifier: MIT */
/* Databases that are not what a backup hopes for: missing, damaged, locked, no file, of a newer SQLite. */
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <setjmp.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "backup_run.h"
#include "database.h"
#include "files.h"

static void test_sources(void **state)
{
	struct fixture *f = *state;
	static const struct {
		const char *what, *bytes;
		int error;
		const char *why;
	} cases[] = {
	    {"missing", NULL, -ENOENT, "not there"},
	    {"empty", "", -ENODATA, "no tables"},
	    {"another file",
	     "#!/bin/sh\nthis is not a database, whatever its name says, and it is long enough\n"
	     "for the header of one, which has a hundred bytes\n",
	     -EBADMSG, "damaged"},
	};

	backups_old_put(f, "state-20250101T000000Z.sqlite");
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		if (cases[i].bytes)
			file_write(f->db, cases[i].bytes, strlen(cases[i].bytes));
		run_fails(f, cases[i].error, cases[i].why);
	}
}

/* One that a newer SQLite wrote: what its schema says cannot be read here, its pages can be copied all the same. */
static void test_newer_schema(void **state)
{
	struct fixture *f = *state;
	static const struct {
		const char *now, *later;
	} cases[] = {
	    {"CREATE TABLE later(a)", "CREATE TABLE later(a INTEGER FROM THE FUTURE)"},
	    {"CREATE TABLE later(a)", "CREATE TABLE later(a) SIDEWAYS"},
	    {"CREATE INDEX later ON events(body)", "CREATE INDEX later ON events(body) BY MOONLIGHT"},
	};
	char path[512], text[512];

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		json_t *answer;

		database_make(f->db, 300);
		database_exec(f->db, cases[i].now);
		PATH(text, "PRAGMA writable_schema=ON; UPDATE sqlite_schema SET sql = '%s' WHERE name = 'later'",
		     cases[i].later);
		database_exec(f->db, text);
		answer = run_answer(f);
		assert_string_equal(run_fact(answer, "error"), "");
		assert_non_null(strstr(run_fact(answer, "schema_newer"), sqlite3_libversion()));
		PATH(path, "%s", run_fact(answer, "file"));
		json_decref(answer);
		PATH(text, "PRAGMA writable_schema=ON; UPDATE sqlite_schema SET sql = '%s' WHERE name = 'later'",
		     cases[i].now);
		database_exec_newer(path, text);
		database_check(path, 300);
		assert_int_equal(unlink(f->db), 0);
	}
}

/* Damaged pages of such a one are found as far as its tables can be read; a schema that is damaged is no newer one.
 */
static void test_newer_schema_and_damaged(void **state)
{
	struct fixture *f = *state;
	char junk[16384];
	int fd;

	database_make(f->db, 2000);
	database_exec(
	    f->db,
	    "PRAGMA writable_schema=ON; INSERT INTO sqlite_schema VALUES('table', 'later', 'later', 2, 'CREATE "
	    "TABLE later(a) SIDEWAYS'); PRAGMA wal_checkpoint(TRUNCATE)");
	memset(junk, 0x5a, sizeof junk);
	fd = open(f->db, O_RDWR | O_CLOEXEC);
	for (off_t at = 65536; at < 400000; at += 65536)
		assert_int_equal(pwrite(fd, junk, sizeof junk, at), sizeof junk);
	close(fd);
	run_fails(f, -EBADMSG, "integrity check");
	assert_int_equal(unlink(f->db), 0);
	database_make(f->db, 10);
	database_exec(f->db,
	              "PRAGMA writable_schema=ON; UPDATE sqlite_schema SET rootpage = 99999 WHERE name = 'events'");
	run_fails(f, -EBADMSG, "damaged");
}

static void test_damaged(void **state)
{
	struct fixture *f = *state;
	char junk[16384];
	int fd;

	database_make(f->db, 2000);
	backups_old_put(f, "state-20250101T000000Z.sqlite");
	database_exec(f->db, "PRAGMA wal_checkpoint(TRUNCATE)");
	memset(junk, 0x5a, sizeof junk);
	fd = open(f->db, O_RDWR | O_CLOEXEC);
	for (off_t at = 65536; at < 400000; at += 65536)
		assert_int_equal(pwrite(fd, junk, sizeof junk, at), sizeof junk);
	close(fd);
	run_fails(f, -EBADMSG, "damaged");
}

static void test_locked(void **state)
{
	struct fixture *f = *state;
	char path[512];
	sqlite3 *db;

	database_make(f->db, 10);
	database_exec(f->db, "PRAGMA journal_mode=DELETE");
	assert_int_equal(sqlite3_open(f->db, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, "BEGIN EXCLUSIVE", NULL, NULL, NULL), SQLITE_OK);
	f->deadline_us = 500000;
	run_fails(f, -ETIMEDOUT, "locked");
	sqlite3_close(db);
	f->deadline_us = MINUTE_US;
	run_ok(f, path);

	/* in a mode that lets nobody beside it, as long as it is open */
	assert_int_equal(sqlite3_open(f->db, &db), SQLITE_OK);
	assert_int_equal(
	    sqlite3_exec(db,
	                 "PRAGMA locking_mode=EXCLUSIVE; PRAGMA journal_mode=WAL; INSERT INTO events(body) "
	                 "VALUES(1); UPDATE totals SET n = n + 1",
	                 NULL, NULL, NULL),
	    SQLITE_OK);
	f->deadline_us = 500000;
	run_fails(f, -ETIMEDOUT, "locked");
	sqlite3_close(db);
	f->deadline_us = MINUTE_US;
	run_ok(f, path);
	database_check(path, 11);
}

/* SQLite would take the empty file for a new database, and remove what is left of the old one. */
static void test_wal_alone(void **state)
{
	struct fixture *f = *state;
	char other[300], from[320], wal[300];
	struct stat st;
	sqlite3 *db;

	PATH(other, "%s/other.sqlite", f->dir);
	PATH(from, "%s-wal", other);
	PATH(wal, "%s-wal", f->db);
	assert_int_equal(sqlite3_open(other, &db), SQLITE_OK);
	assert_int_equal(
	    sqlite3_exec(db,
	                 "PRAGMA journal_mode=WAL; PRAGMA wal_autocheckpoint=0; CREATE TABLE events(body); "
	                 "INSERT INTO events VALUES(1)",
	                 NULL, NULL, NULL),
	    SQLITE_OK);
	file_copy(from, wal);
	sqlite3_close(db);
	file_write(f->db, "", 0);
	run_fails(f, -EBADMSG, "nothing was touched");
	assert_int_equal(stat(wal, &st), 0);
	assert_true(st.st_size > 0);
}

/* What is no file, where the database should be or its copy go: nothing hangs, nothing is followed out of there. */
static void test_not_files(void **state)
{
	struct fixture *f = *state;
	char real[300], path[512], inside[400];
	struct stat st;

	assert_int_equal(mkfifo(f->db, 0600), 0);
	run_fails(f, -EIO, "not a regular file");
	assert_int_equal(unlink(f->db), 0);
	assert_int_equal(symlink("nowhere", f->db), 0);
	run_fails(f, -ENOENT, "not there");
	assert_int_equal(unlink(f->db), 0);
	database_make(f->db, 10);
	PATH(real, "%s/real.sqlite", f->dir);
	database_exec(f->db, "PRAGMA journal_mode=DELETE");
	assert_int_equal(rename(f->db, real), 0);
	assert_int_equal(symlink(real, f->db), 0); /* somebody keeps it on another disk */
	run_ok(f, path);
	database_check(path, 10);

	PATH(inside, "%s/.state.partial", f->backup_dir);
	assert_int_equal(mkfifo(inside, 0600), 0);
	run_ok(f, path);
	assert_int_equal(symlink(real, inside), 0);
	run_ok(f, path);
	database_check(path, 10);
	assert_int_equal(lstat(real, &st), 0);
	assert_true(S_ISREG(st.st_mode));
	PATH(inside, "%s/manifest.jsonl", f->backup_dir);
	assert_int_equal(unlink(inside), 0);
	assert_int_equal(mkfifo(inside, 0600), 0);
	run_ok(f, path);
	database_check(path, 10);

	PATH(path, "%s/elsewhere", f->dir);
	file_tree_remove(f->backup_dir);
	assert_int_equal(mkdir(path, 0700), 0);
	assert_int_equal(symlink(path, f->backup_dir), 0);
	{
		json_t *answer = run_answer(f);

		assert_true(json_integer_value(json_object_get(answer, "result")) < 0);
		assert_non_null(strstr(run_fact(answer, "error"), f->backup_dir));
		json_decref(answer);
	}
	assert_int_equal(rmdir(path), 0); /* nothing is in it */
	assert_int_equal(unlink(f->backup_dir), 0);
	assert_int_equal(mkfifo(f->backup_dir, 0600), 0);
	{
		json_t *answer = run_answer(f);

		assert_int_equal(json_integer_value(json_object_get(answer, "result")), -ENOTDIR);
		json_decref(answer);
	}
	assert_int_equal(unlink(f->backup_dir), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_sources, fixture_setup, fixture_teardown),
	    cmocka_unit_test_setup_teardown(test_newer_schema, fixture_setup, fixture_teardown),
	    cmocka_unit_test_setup_teardown(test_newer_schema_and_damaged, fixture_setup, fixture_teardown),
	    cmocka_unit_test_setup_teardown(test_damaged, fixture_setup, fixture_teardown),
	    cmocka_unit_test_setup_teardown(test_locked, fixture_setup, fixture_teardown),
	    cmocka_unit_test_setup_teardown(test_wal_alone, fixture_setup, fixture_teardown),
	    cmocka_unit_test_setup_teardown(test_not_files, fixture_setup, fixture_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
