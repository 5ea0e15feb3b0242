/* SPDX-License-Identifier: MIT */
/* What a backup of a good database holds, written to meanwhile, and in a -wal file only. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "backup_run.h"
#include "database.h"
#include "files.h"

static _Noreturn void writer_main(const char *path, int ready)
{
	sqlite3 *db;

	if (sqlite3_open(path, &db) != SQLITE_OK)
		_exit(1);
	sqlite3_busy_timeout(db, 30000);
	for (;;) {
		if (sqlite3_exec(db,
		                 "BEGIN; INSERT INTO events(body) VALUES(randomblob(300)); UPDATE totals SET n = n + "
		                 "1; COMMIT",
		                 NULL, NULL, NULL) != SQLITE_OK)
			_exit(2);
		if (write(ready, "x", 1) < 0 && errno != EAGAIN)
			_exit(3);
	}
}

static void test_written_meanwhile(void **state)
{
	struct fixture *f = *state;
	char path[512], byte;
	int ready[2], status;
	pid_t writer;
	long n = 300;

	database_make(f->db, 300);
	assert_int_equal(pipe2(ready, O_CLOEXEC), 0);
	fcntl(ready[1], F_SETFL, O_NONBLOCK);
	writer = fork();
	if (writer == 0)
		writer_main(f->db, ready[1]);
	assert_int_equal(read(ready[0], &byte, 1), 1);
	for (int i = 0; i < 5; i++) {
		run_ok(f, path);
		database_check(path, n + 1);
	}
	assert_int_equal(waitpid(writer, &status, WNOHANG), 0); /* still writing, never disturbed */
	kill(writer, SIGKILL);
	waitpid(writer, &status, 0);
	assert_int_equal(backups_count(f, "state-", NULL), 5);
	close(ready[0]);
	close(ready[1]);
}

/* All of it in the -wal file, as with a running t3. */
static void test_everything_in_wal(void **state)
{
	struct fixture *f = *state;
	char path[512], text[32];
	struct stat st;
	sqlite3 *db;

	assert_int_equal(sqlite3_open(f->db, &db), SQLITE_OK);
	assert_int_equal(
	    sqlite3_exec(db,
	                 "PRAGMA journal_mode=WAL; PRAGMA wal_autocheckpoint=0; CREATE TABLE events(body); "
	                 "INSERT INTO events VALUES(1),(2),(3); CREATE TABLE totals(n); INSERT INTO totals "
	                 "VALUES(3)",
	                 NULL, NULL, NULL),
	    SQLITE_OK);
	assert_int_equal(stat(f->db, &st), 0);
	assert_true(st.st_size <= 4096);
	run_ok(f, path);
	sqlite3_close(db);
	database_text(path, "PRAGMA journal_mode", text, sizeof text);
	assert_string_equal(text, "delete");
	database_check(path, 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_written_meanwhile, fixture_setup, fixture_teardown),
	    cmocka_unit_test_setup_teardown(test_everything_in_wal, fixture_setup, fixture_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
