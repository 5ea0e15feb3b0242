/* SPDX-License-Identifier: MIT */
/* Where backups go: too small, full half way, read-only, used by another run, not there; and no time for them. */
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "backup_run.h"
#include "database.h"
#include "files.h"
#include "small_disk.h"

static void test_quota(void **state)
{
	struct fixture *f = *state;

	database_make(f->db, 3000);
	backups_old_put(f, "state-20250101T000000Z.sqlite");
	f->quota = 256 << 10;
	run_fails(f, -ENOSPC, "no room");
}

static void test_late(void **state)
{
	struct fixture *f = *state;

	database_make(f->db, 5000);
	backups_old_put(f, "state-20250101T000000Z.sqlite");
	f->deadline_us = 1;
	run_fails(f, -ETIMEDOUT, "deadline");
}

static void test_disk_full_half_way(void **state)
{
	struct fixture *f = *state;
	char path[512];

	if (!small_disk_can(f->backup_dir)) {
		print_message("no file system can be mounted in a namespace here\n");
		skip();
	}
	database_make(f->db, 60000);
	f->disk = 80 << 20;
	run_fails(f, -ENOSPC, "no room for the copy (disk or quota full)");
	f->disk = 1 << 20;
	run_fails(f, -ENOSPC, "bytes and"); /* known before it begins */
	f->disk = 0;
	run_ok(f, path);
}

/* Packing makes another file of the copy, and how large that will be is not known the first time. */
static void test_room_for_all(void **state)
{
	struct fixture *f = *state;
	struct stat db;

	if (!small_disk_can(f->backup_dir)) {
		print_message("no file system can be mounted in a namespace here\n");
		skip();
	}
	database_make(f->db, 60000);
	assert_int_equal(stat(f->db, &db), 0);
	f->disk = db.st_size + db.st_size / 2;
	run_fails(f, -ENOSPC,
	          "no room for the copy (disk or quota full)"); /* there is, until somebody else fills it */
	f->compress = 3;
	run_fails(f, -ENOSPC, "bytes and");
}

static void test_disk_read_only(void **state)
{
	struct fixture *f = *state;

	if (!small_disk_can(f->backup_dir)) {
		print_message("no file system can be mounted in a namespace here\n");
		skip();
	}
	database_make(f->db, 10);
	f->disk = 1 << 20;
	f->read_only = true;
	run_fails(f, -EROFS, "Read-only file system");
}

static void test_two_at_once(void **state)
{
	struct fixture *f = *state;
	char path[512];
	int fd;

	database_make(f->db, 10);
	fd = open(f->backup_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_int_equal(flock(fd, LOCK_EX), 0);
	run_fails(f, -EBUSY, "another backup is running");
	close(fd);
	run_ok(f, path);
}

static void test_no_directory(void **state)
{
	struct fixture *f = *state;
	json_t *answer;

	database_make(f->db, 10);
	file_tree_remove(f->backup_dir);
	answer = run_answer(f);
	assert_int_equal(json_integer_value(json_object_get(answer, "result")), -ENOENT);
	assert_non_null(strstr(run_fact(answer, "error"), f->backup_dir));
	json_decref(answer);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_quota, fixture_setup, fixture_teardown),
	    cmocka_unit_test_setup_teardown(test_late, fixture_setup, fixture_teardown),
	    cmocka_unit_test_setup_teardown(test_disk_full_half_way, fixture_setup, fixture_teardown),
	    cmocka_unit_test_setup_teardown(test_room_for_all, fixture_setup, fixture_teardown),
	    cmocka_unit_test_setup_teardown(test_disk_read_only, fixture_setup, fixture_teardown),
	    cmocka_unit_test_setup_teardown(test_two_at_once, fixture_setup, fixture_teardown),
	    cmocka_unit_test_setup_teardown(test_no_directory, fixture_setup, fixture_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
