/* SPDX-License-Identifier: MIT */
/* Backups killed half way: what has a name is whole, and the next run cleans up. */
#include <glob.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "sys/clock.h"
#include "backup_run.h"
#include "database.h"
#include "files.h"

#define KILLS    200
#define LIMIT_US 60000000 /* for anything that must happen at all */
#define LEAST_US 2000     /* within which a kill comes */

/* Killed while the copy grows; the next run cleans up after it. */
static void test_killed(void **state)
{
	struct fixture *f = *state;
	uint64_t end = clock_mono_us() + LIMIT_US;
	char partial[512], path[512];
	struct stat st = {0};
	int out, status;
	pid_t pid;

	database_make(f->db, 30);
	database_exec(
	    f->db,
	    "WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM c WHERE i<64) INSERT INTO events(body) "
	    "SELECT randomblob(1<<19) FROM c; UPDATE totals SET n = n + 64");
	run_ok(f, path);
	PATH(partial, "%s/.state.partial", f->backup_dir);
	pid = run_start(f, &out);
	while (stat(partial, &st) < 0 || st.st_size == 0) {
		assert_int_equal(waitpid(pid, &status, WNOHANG), 0);
		assert_true(clock_mono_us() < end);
	}
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	close(out);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(backups_count(f, ".state.partial", NULL) > 0, 1);
	assert_int_equal(backups_count(f, "state-", NULL), 1);
	database_check(path, 94);
	run_ok(f, path);
	assert_int_equal(backups_count(f, "state-", NULL), 2);
	database_check(path, 94);
}

/* About how long a run takes, so that four of five do not end before their kill. */
static unsigned next_took_us(unsigned took_us, bool killed)
{
	took_us = killed ? took_us + took_us / 32 : took_us - took_us / 8;
	return took_us > LEAST_US ? took_us : LEAST_US;
}

/* Killed at any moment, again and again: what has a name is whole, and the next run begins anew. */
static void test_killed_often(void **state)
{
	struct fixture *f = *state;
	char path[512], pattern[512];
	glob_t found;
	int out, status, killed = 0;
	unsigned seed = 14, took_us;
	uint64_t began_us = clock_mono_us();

	database_make(f->db, 3000);
	f->keep = 3;
	run_ok(f, path);
	took_us = (unsigned)(clock_mono_us() - began_us);
	for (int i = 0; killed < KILLS; i++) {
		pid_t pid;

#ifdef HAVE_ZSTD
		f->compress = i % 2;
#endif
		pid = run_start(f, &out);
		usleep((useconds_t)(rand_r(&seed) % took_us));
		kill(pid, SIGKILL);
		assert_int_equal(waitpid(pid, &status, 0), pid);
		close(out);
		killed += WIFSIGNALED(status);
		took_us = next_took_us(took_us, WIFSIGNALED(status));
		assert_true(i < 10 * KILLS);
	}
	PATH(pattern, "%s/state-*.sqlite", f->backup_dir);
	if (glob(pattern, 0, NULL, &found) == 0) {
		for (size_t i = 0; i < found.gl_pathc; i++)
			database_check(found.gl_pathv[i], 3000);
		globfree(&found);
	}
	assert_true(backups_count(f, "state-", NULL) <= 5); /* one more of either reason, not removed yet */
	f->compress = 0;
	run_ok(f, path);
	database_check(path, 3000);
	assert_int_equal(backups_count(f, "state-", NULL) <= 3, 1);
	assert_int_equal(backups_count(f, ".", NULL), 2); /* . and .. */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_killed, fixture_setup, fixture_teardown),
	    cmocka_unit_test_setup_teardown(test_killed_often, fixture_setup, fixture_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
