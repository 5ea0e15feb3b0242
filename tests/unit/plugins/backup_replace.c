/* SPDX-License-Identifier: MIT */
/* A backup in the place of a database: killed at any moment it is the old one or the new one, with all that its -wal
 * file held. */
#include "backup/replace.h"

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <setjmp.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/database_lock.h"
#include "common/due.h"

#define AT_S     1795750200 /* 2026-11-27T03:30:00Z */
#define LIMIT_US 60000000
#define KILLS    200
#define OLD_ROWS 1000
#define NEW_ROWS 7

struct fixture {
	char dir[64], db[96], backup[96];
};

static void sql(sqlite3 *db, const char *text)
{
	char *why = NULL;

	if (sqlite3_exec(db, text, NULL, NULL, &why) != SQLITE_OK)
		fail_msg("%s: %s", text, why);
}

static void rows_insert(sqlite3 *db, int rows)
{
	char text[200];

	snprintf(text, sizeof text,
	         "WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM c WHERE i<%d) "
	         "INSERT INTO t SELECT hex(randomblob(100)) FROM c",
	         rows);
	sql(db, text);
}

/* As t3 leaves it when it is killed: half of it, or what `last` does, in the -wal file. */
static void old_make(const struct fixture *f, const char *last)
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		sqlite3 *db;

		sqlite3_open(f->db, &db);
		sql(db,
		    "PRAGMA journal_mode=WAL; PRAGMA wal_autocheckpoint=0; CREATE TABLE t(x); PRAGMA user_version=1");
		rows_insert(db, OLD_ROWS / 2);
		sql(db, "PRAGMA wal_checkpoint(TRUNCATE)");
		if (last != NULL)
			sql(db, last);
		else
			rows_insert(db, OLD_ROWS / 2);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static void backup_make(const struct fixture *f)
{
	sqlite3 *db;

	assert_int_equal(sqlite3_open(f->backup, &db), SQLITE_OK);
	sql(db, "CREATE TABLE t(x); PRAGMA user_version=2");
	rows_insert(db, NEW_ROWS);
	sqlite3_close(db);
}

/* 1: the old one, 2: the new one; whole, or the test fails. */
static int which(const char *path)
{
	static const struct {
		const char *sql;
		int column;
	} questions[] = {{"PRAGMA user_version", 0}, {"SELECT count(*) FROM t", 1}};
	long long answers[2] = {0};
	sqlite3_stmt *stmt;
	sqlite3 *db;

	assert_int_equal(sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_prepare_v2(db, "PRAGMA integrity_check", -1, &stmt, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
	assert_string_equal((const char *)sqlite3_column_text(stmt, 0), "ok");
	sqlite3_finalize(stmt);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(sqlite3_prepare_v2(db, questions[i].sql, -1, &stmt, NULL), SQLITE_OK);
		assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
		answers[questions[i].column] = sqlite3_column_int64(stmt, 0);
		sqlite3_finalize(stmt);
	}
	sqlite3_close(db);
	assert_int_equal(answers[1], answers[0] == 1 ? OLD_ROWS : NEW_ROWS);
	return (int)answers[0];
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof *f);

	strcpy(f->dir, "/tmp/replace.XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	snprintf(f->db, sizeof f->db, "%s/state.sqlite", f->dir);
	snprintf(f->backup, sizeof f->backup, "%s/backup.sqlite", f->dir);
	backup_make(f);
	*state = f;
	return 0;
}

static void matching_remove(const char *pattern)
{
	glob_t found;

	if (glob(pattern, 0, NULL, &found) == 0)
		for (size_t i = 0; i < found.gl_pathc; i++)
			unlink(found.gl_pathv[i]);
	globfree(&found);
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	char pattern[128];

	snprintf(pattern, sizeof pattern, "%s/*", f->dir);
	matching_remove(pattern);
	rmdir(f->dir);
	free(f);
	return 0;
}

static int replace(struct replacement *r, const struct fixture *f, const char *sha256, char *why, size_t size)
{
	int fd = open(f->backup, O_RDONLY | O_CLOEXEC), error;

	error = replace_database(r, f->db, fd, sha256, AT_S, due_now_us() + LIMIT_US, why, size);
	close(fd);
	return error;
}

static void test_replaced(void **state)
{
	struct fixture *f = *state;
	struct replacement r;
	char why[200] = "";
	struct stat st;

	old_make(f, NULL);
	chmod(f->db, 0640);
	assert_int_equal(replace(&r, f, "", why, sizeof why), 0);
	assert_int_equal(which(f->db), 2);
	assert_int_equal(stat(f->db, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0640);
	assert_non_null(strstr(r.kept, "state.sqlite.replaced-20261127T033000Z"));
	assert_int_equal(which(r.kept), 1);
	assert_int_equal(replace_undo(&r, why, sizeof why), 0);
	assert_int_equal(which(f->db), 1);
	assert_int_equal(access(r.kept, F_OK), -1);
}

/* Where there is none yet. */
static void test_nothing_before(void **state)
{
	struct fixture *f = *state;
	struct replacement r;
	char why[200] = "";

	assert_int_equal(replace(&r, f, "", why, sizeof why), 0);
	assert_int_equal(which(f->db), 2);
	assert_string_equal(r.kept, "");
	assert_int_equal(replace_undo(&r, why, sizeof why), -ENOENT);
	assert_int_equal(which(f->db), 2);
}

static void test_refused(void **state)
{
	struct fixture *f = *state;
	struct replacement r;
	char why[200] = "", byte;
	int ready[2], status;
	pid_t pid;

	old_make(f, NULL);
	assert_int_equal(replace(&r, f, "00", why, sizeof why), -EBADMSG);
	assert_non_null(strstr(why, "SHA-256 differs"));
	assert_int_equal(which(f->db), 1);

	assert_int_equal(database_user(f->db), 0);
	assert_int_equal(pipe2(ready, O_CLOEXEC), 0);
	pid = fork();
	if (pid == 0) {
		sqlite3 *db;

		sqlite3_open(f->db, &db);
		sql(db, "SELECT count(*) FROM t");
		if (write(ready[1], "x", 1) == 1)
			pause();
		_exit(0);
	}
	assert_int_equal(read(ready[0], &byte, 1), 1);
	assert_int_equal(database_user(f->db), pid);
	assert_int_equal(replace(&r, f, "", why, sizeof why), -EBUSY);
	assert_non_null(strstr(why, "a program has it open"));
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	close(ready[0]);
	close(ready[1]);
	assert_int_equal(which(f->db), 1);
}

/* A damaged database is kept as it is, with its -wal file, and put back so. */
static void test_damaged_before(void **state)
{
	struct fixture *f = *state;
	char why[200] = "", wal[128], kept_wal[PATH_MAX + 8];
	struct replacement r;
	struct stat before, after;
	int fd;

	old_make(f, "UPDATE t SET x = 'changed' WHERE rowid = 1"); /* its first page is not in the -wal file */
	fd = open(f->db, O_WRONLY | O_CLOEXEC);
	assert_int_equal(pwrite(fd, "this is no database any more", 28, 0), 28);
	close(fd);
	snprintf(wal, sizeof wal, "%s-wal", f->db);
	assert_int_equal(stat(wal, &before), 0);
	assert_int_equal(replace(&r, f, "", why, sizeof why), 0);
	assert_int_equal(which(f->db), 2);
	snprintf(kept_wal, sizeof kept_wal, "%s-wal", r.kept);
	assert_int_equal(stat(kept_wal, &after), 0);
	assert_int_equal(after.st_ino, before.st_ino);
	assert_int_equal(after.st_size, before.st_size);
	assert_int_equal(replace_undo(&r, why, sizeof why), 0);
	assert_int_equal(stat(wal, &after), 0);
	assert_int_equal(after.st_ino, before.st_ino);
}

/* An empty file whose whole contents are in the -wal file is one that SQLite would throw that away of. */
static void test_all_in_wal(void **state)
{
	struct fixture *f = *state;
	char why[200] = "", wal[128], kept_wal[PATH_MAX + 8];
	struct replacement r;
	struct stat before, after;

	old_make(f, NULL);
	assert_int_equal(truncate(f->db, 0), 0);
	snprintf(wal, sizeof wal, "%s-wal", f->db);
	assert_int_equal(stat(wal, &before), 0);
	assert_true(before.st_size > 0);
	assert_int_equal(replace(&r, f, "", why, sizeof why), 0);
	assert_int_equal(which(f->db), 2);
	snprintf(kept_wal, sizeof kept_wal, "%s-wal", r.kept);
	assert_int_equal(stat(kept_wal, &after), 0);
	assert_int_equal(after.st_ino, before.st_ino);
	assert_int_equal(after.st_size, before.st_size);
}

/* Killed in the middle of a transaction, without a -wal file: what it left would be rolled back into the new one. */
static void test_hot_journal(void **state)
{
	struct fixture *f = *state;
	char why[200] = "", journal[128], kept[PATH_MAX + 16];
	struct replacement r;
	struct stat before, after;
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		sqlite3 *db;

		sqlite3_open(f->db, &db);
		sql(db, "PRAGMA cache_size=1; CREATE TABLE t(x); PRAGMA user_version=1");
		rows_insert(db, OLD_ROWS);
		sql(db, "BEGIN; UPDATE t SET x = hex(randomblob(100))");
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	snprintf(journal, sizeof journal, "%s-journal", f->db);
	assert_int_equal(stat(journal, &before), 0);
	assert_true(before.st_size > 0);
	assert_int_equal(replace(&r, f, "", why, sizeof why), 0);
	assert_int_equal(which(f->db), 2);
	snprintf(kept, sizeof kept, "%s-journal", r.kept);
	assert_int_equal(stat(kept, &after), 0);
	assert_int_equal(after.st_ino, before.st_ino);
	assert_int_equal(replace_undo(&r, why, sizeof why), 0);
	assert_int_equal(which(f->db), 1);
}

/* Somebody removed the database only. */
static void test_wal_alone(void **state)
{
	struct fixture *f = *state;
	char why[200] = "", wal[128], kept[160];
	struct replacement r;
	struct stat before, after;

	old_make(f, NULL);
	assert_int_equal(unlink(f->db), 0);
	snprintf(wal, sizeof wal, "%s-wal", f->db);
	assert_int_equal(stat(wal, &before), 0);
	assert_int_equal(replace(&r, f, "", why, sizeof why), 0);
	assert_string_equal(r.kept, "");
	assert_int_equal(which(f->db), 2);
	snprintf(kept, sizeof kept, "%s.replaced-20261127T033000Z-wal", f->db);
	assert_int_equal(stat(kept, &after), 0);
	assert_int_equal(after.st_ino, before.st_ino);
}

/* A program that has it open, and no lock yet, would go on with the old one under the new one's -wal file. */
static void test_open_without_lock(void **state)
{
	struct fixture *f = *state;
	char why[200] = "", byte;
	struct replacement r;
	int ready[2], status;
	pid_t pid;

	old_make(f, NULL);
	assert_int_equal(pipe2(ready, O_CLOEXEC), 0);
	pid = fork();
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (open(f->db, O_RDWR | O_CLOEXEC) >= 0 && write(ready[1], "x", 1) == 1)
			pause();
		_exit(0);
	}
	assert_int_equal(read(ready[0], &byte, 1), 1);
	assert_int_equal(database_user(f->db), pid);
	assert_int_equal(replace(&r, f, "", why, sizeof why), -EBUSY);
	assert_non_null(strstr(why, "a program has it open"));
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	close(ready[0]);
	close(ready[1]);
	assert_int_equal(database_user(f->db), 0);
	assert_int_equal(which(f->db), 1);
}

static size_t matching_count(const struct fixture *f, const char *pattern)
{
	char path[128];
	glob_t found;
	size_t n;

	snprintf(path, sizeof path, "%s/%s", f->dir, pattern);
	n = glob(path, 0, NULL, &found) == 0 ? found.gl_pathc : 0;
	globfree(&found);
	return n;
}

/* Killed after the old one got its second name, and after its -wal file lost its first one. */
static void test_recovered(void **state)
{
	struct fixture *f = *state;
	char wal[128], kept[128], kept_wal[160], fresh[128];
	struct stat before, after;

	old_make(f, NULL);
	snprintf(wal, sizeof wal, "%s-wal", f->db);
	snprintf(kept, sizeof kept, "%s.replaced-20261127T033000Z", f->db);
	snprintf(kept_wal, sizeof kept_wal, "%s-wal", kept);
	snprintf(fresh, sizeof fresh, "%s.replacing", f->db);
	assert_int_equal(stat(wal, &before), 0);
	for (int lost = 0; lost <= 1; lost++) {
		assert_int_equal(link(f->db, kept), 0);
		assert_int_equal(link(wal, kept_wal), 0);
		assert_int_equal(link(f->backup, fresh), 0);
		if (lost)
			assert_int_equal(unlink(wal), 0);
		replace_recover(f->db);
		assert_int_equal(stat(wal, &after), 0);
		assert_int_equal(after.st_ino, before.st_ino);
		assert_int_equal(matching_count(f, "*.re*"), 0);
	}
	assert_int_equal(which(f->db), 1);
}

/* What a restore kept that did come to its end stays. */
static void test_nothing_to_recover(void **state)
{
	struct fixture *f = *state;
	char why[200] = "";
	struct replacement r;

	replace_recover(f->db); /* there is none */
	old_make(f, NULL);
	assert_int_equal(replace(&r, f, "", why, sizeof why), 0);
	replace_recover(f->db);
	assert_int_equal(which(f->db), 2);
	assert_int_equal(which(r.kept), 1);
}

static void test_killed(void **state)
{
	struct fixture *f = *state;
	char why[200], pattern[128];
	int seen[3] = {0}, status;
	unsigned seed = (unsigned)getpid();
	struct replacement r;
	uint64_t began_us, whole_us;

	old_make(f, NULL);
	began_us = due_now_us();
	assert_int_equal(replace(&r, f, "", why, sizeof why), 0);
	whole_us = due_now_us() - began_us;
	snprintf(pattern, sizeof pattern, "%s/state*", f->dir);
	for (int i = 0; i < KILLS; i++) {
		pid_t pid;

		matching_remove(pattern);
		old_make(f, NULL);
		pid = fork();
		if (pid == 0)
			_exit(replace(&r, f, "", why, sizeof why) == 0 ? 0 : 1);
		usleep((useconds_t)((unsigned)rand_r(&seed) % (whole_us + whole_us / 2)));
		kill(pid, SIGKILL);
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_true(WIFSIGNALED(status) || WEXITSTATUS(status) == 0);
		seen[which(f->db)]++;
	}
	print_message("killed %d times: %d old, %d new\n", KILLS, seen[1], seen[2]);
	assert_int_equal(seen[1] + seen[2], KILLS);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {CASE(test_replaced),    CASE(test_nothing_before),
	                                   CASE(test_refused),     CASE(test_damaged_before),
	                                   CASE(test_all_in_wal),  CASE(test_wal_alone),
	                                   CASE(test_hot_journal), CASE(test_open_without_lock),
	                                   CASE(test_recovered),   CASE(test_nothing_to_recover),
	                                   CASE(test_killed)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
