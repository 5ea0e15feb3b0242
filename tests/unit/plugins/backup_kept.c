/* SPDX-License-Identifier: MIT */
/* Which backups stay, and what the manifest says of them. */
#include <errno.h>
#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "backup_run.h"
#include "database.h"
#include "files.h"

static int64_t wall_ahead_s;

/* In the place of libc's, for this program and the runs that it forks. */
int clock_gettime(clockid_t clock, struct timespec *t)
{
	int r = (int)syscall(SYS_clock_gettime, clock, t);

	if (r == 0 && clock == CLOCK_REALTIME)
		t->tv_sec += wall_ahead_s;
	return r;
}

static void test_keep(void **state)
{
	struct fixture *f = *state;
	char path[512], last[512];

	database_make(f->db, 10);
	f->keep = 3;
	backups_old_put(f, "state-20240101T000000Z.sqlite");
	backups_old_put(f, "state-20240102T000000Z.sqlite");
	backups_old_put(f, "state-20240103T000000Z.sqlite");
	backups_old_put(f, "state-20240104T000000Z.sqlite");
	backups_old_put(f, "state-before-upgrade.sqlite"); /* somebody's own */
	backups_old_put(f, "notes.txt");
	run_ok(f, path);
	assert_int_equal(backups_count(f, "state-2", last), 3);
	assert_string_equal(last, path);
	assert_int_equal(backups_count(f, "state-20240103", NULL) + backups_count(f, "state-20240104", NULL), 2);
	assert_int_equal(backups_count(f, "state-before-upgrade.sqlite", NULL), 1);
	assert_int_equal(backups_count(f, "notes.txt", NULL), 1);

	/* A clock that was ahead: the newest copy stays although others sort behind it. */
	backups_old_put(f, "state-29990101T000000Z.sqlite");
	f->keep = 1;
	run_ok(f, path);
	assert_int_equal(access(path, F_OK), 0);
	assert_int_equal(backups_count(f, "state-2", NULL), 1);

	/* Such a one takes no real one's place. */
	backups_old_put(f, "state-29990101T000000Z.sqlite");
	backups_old_put(f, "state-29990102T000000Z.sqlite");
	f->keep = 2;
	strcpy(last, path);
	run_ok(f, path);
	assert_int_equal(access(path, F_OK), 0);
	assert_int_equal(access(last, F_OK), 0);
	assert_int_equal(backups_count(f, "state-2", NULL), 2);
}

/* A clock that went back: what it calls later than now stays with what is made now; one that went ahead and back
 * again loses nothing but what is of no real time. */
static void test_clock(void **state)
{
	struct fixture *f = *state;
	time_t soon = time(NULL) + 36000;
	char name[64], path[512], first[512];
	struct tm tm;

	database_make(f->db, 10);
	f->keep = 1;
	gmtime_r(&soon, &tm);
	strftime(name, sizeof name, "state-%Y%m%dT%H%M%SZ.sqlite", &tm);
	backups_old_put(f, name);
	run_ok(f, first);
	assert_int_equal(access(first, F_OK), 0);
	assert_int_equal(backups_count(f, name, NULL), 1); /* the newest by what it says of itself */
	for (int i = 0; i < 3; i++) {
		run_ok(f, path);
		assert_int_equal(access(path, F_OK), 0);
	}
	backups_old_put(f, "state-19700101T000000Z.sqlite");
	run_ok(f, path);
	assert_int_equal(access(path, F_OK), 0);
	assert_int_equal(backups_count(f, "state-1970", NULL), 0);
}

/* A run by a clock that was set ahead by that; its backup says so. */
static void run_at(struct fixture *f, int64_t ahead_s, char path[512])
{
	time_t now = time(NULL) + ahead_s;
	char year[32];
	struct tm tm;

	wall_ahead_s = ahead_s;
	run_ok(f, path);
	gmtime_r(&now, &tm);
	strftime(year, sizeof year, "/state-%Y", &tm);
	assert_non_null(strstr(path, year));
	database_check(path, 10);
}

/* The clock itself jumps, ahead by a year and back, and before the first: what was just made is there, and what was
 * made ahead takes nobody's place once the clock is right again. */
static void test_clock_jumps(void **state)
{
	struct fixture *f = *state;
	const int64_t year_s = 366 * 86400;
	char right[512], ahead[512], again[512], once_more[512], before[512];

	database_make(f->db, 10);
	f->keep = 2;
	run_at(f, 0, right);
	run_at(f, year_s, ahead);
	assert_int_equal(access(right, F_OK), 0);
	run_at(f, 0, again);
	run_at(f, 0, once_more);
	assert_int_equal(access(again, F_OK), 0);
	assert_int_equal(access(once_more, F_OK), 0);
	assert_int_equal(backups_count(f, "state-", NULL), 2);
	run_at(f, -year_s, before);
	assert_int_equal(access(before, F_OK), 0);
	assert_true(backups_count(f, "state-", NULL) >= 2);
	wall_ahead_s = 0;
}

/* However often somebody asks, what the schedule made stays. */
static void test_asked_for(void **state)
{
	struct fixture *f = *state;
	char path[512];

	database_make(f->db, 10);
	f->keep = 2;
	backups_old_put(f, "state-20240101T000000Z.sqlite");
	backups_old_put(f, "state-20240102T000000Z.sqlite");
	f->requested = true;
	for (int i = 0; i < 5; i++)
		run_ok(f, path);
	assert_non_null(strstr(path, "Z-manual.sqlite"));
	assert_int_equal(backups_count(f, "state-20240101T000000Z.sqlite", NULL), 1);
	assert_int_equal(backups_count(f, "state-20240102T000000Z.sqlite", NULL), 1);
	assert_int_equal(backups_count(f, "state-", NULL), 4);
	f->requested = false;
	run_ok(f, path);
	assert_null(strstr(path, "manual"));
	assert_int_equal(backups_count(f, "state-20240101T000000Z.sqlite", NULL), 0);
	assert_int_equal(backups_count(f, "state-", NULL), 4);
}

/* The budget goes before the rule of the last ones, and the run says so. */
static void test_budget(void **state)
{
	struct fixture *f = *state;
	json_t *answer;
	char path[512];

	database_make(f->db, 10);
	backups_old_put(f, "state-20240101T000000Z.sqlite");
	backups_old_put(f, "state-20240102T000000Z.sqlite");
	run_ok(f, path);
	assert_int_equal(backups_count(f, "state-", NULL), 3);
	f->budget = 1;
	answer = run_answer(f);
	assert_string_equal(run_fact(answer, "kept"), "1");
	assert_string_equal(run_fact(answer, "over_budget"), "3");
	assert_int_equal(backups_count(f, "state-", NULL), 1);
	json_decref(answer);
}

/* What is known of a backup is in the manifest, and true. */
static void test_manifest(void **state)
{
	struct fixture *f = *state;
	char path[512], digest[65];
	json_t *line;

	database_make(f->db, 10);
	database_exec(f->db, "CREATE TABLE effect_sql_migrations(migration_id, name); "
	                     "INSERT INTO effect_sql_migrations VALUES(31,'a'),(32,'b')");
	run_ok(f, path);
	line = backups_manifest_line(f);
	assert_string_equal(json_string_value(json_object_get(line, "file")), strrchr(path, '/') + 1);
	assert_string_equal(json_string_value(json_object_get(line, "reason")), "scheduled");
	assert_int_equal(json_integer_value(json_object_get(line, "migration")), 32);
	assert_int_equal(json_integer_value(json_object_get(json_object_get(line, "rows"), "events")), 10);
	file_digest(path, digest);
	assert_string_equal(json_string_value(json_object_get(line, "sha256")), digest);
	json_decref(line);
}

/* Somebody else's file in the way of the manifest is no reason to lose backups. */
static void test_manifest_damaged(void **state)
{
	struct fixture *f = *state;
	char manifest[512];
	json_t *answer;

	database_make(f->db, 10);
	PATH(manifest, "%s/manifest.jsonl", f->backup_dir);
	backups_old_put(f, "state-20240101T000000Z.sqlite");
	file_write(manifest, "\0\377not json\n{", 12);
	answer = run_answer(f);
	assert_string_equal(run_fact(answer, "manifest_lines_lost"), "2");
	json_decref(answer);
	assert_int_equal(backups_count(f, "state-", NULL), 2);
	unlink(manifest);
	assert_int_equal(symlink("/etc/passwd", manifest), 0); /* never followed */
	run_fails(f, -ELOOP, "the manifest of");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_keep, fixture_setup, fixture_teardown),
	    cmocka_unit_test_setup_teardown(test_clock_jumps, fixture_setup, fixture_teardown),
	    cmocka_unit_test_setup_teardown(test_clock, fixture_setup, fixture_teardown),
	    cmocka_unit_test_setup_teardown(test_asked_for, fixture_setup, fixture_teardown),
	    cmocka_unit_test_setup_teardown(test_budget, fixture_setup, fixture_teardown),
	    cmocka_unit_test_setup_teardown(test_manifest, fixture_setup, fixture_teardown),
	    cmocka_unit_test_setup_teardown(test_manifest_damaged, fixture_setup, fixture_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
