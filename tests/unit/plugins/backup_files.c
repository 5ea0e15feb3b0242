/* SPDX-License-Identifier: MIT */
/* What lies beside the database is swapped with it: killed at any moment, both are the old ones or both the new ones
 * afterwards. */
#include "backup/include_swap.h"

#include <dirent.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "backup/include.h"
#include "common/due.h"
#include "common/scratch.h"

#define AT_S     1795750200 /* 2026-11-27T03:30:00Z */
#define LIMIT_US UINT64_C(60000000)
#define KILLS    200
#define NAMES    40

struct fixture {
	char dir[64], userdata[96], database[128], aside[128], source[96];
	int archive_fd;
};

/* Of each three names one is a file, one a directory with a file, and one was not there before. */
static bool is_dir(int i)
{
	return i % 3 == 1;
}

static bool was_there(int i)
{
	return i % 3 != 2;
}

static void text_write(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	fputs(text, f);
	assert_int_equal(fclose(f), 0);
}

/* "": it is not there. */
static const char *text_read(const char *path)
{
	static char text[16];
	FILE *f = fopen(path, "r");

	memset(text, 0, sizeof text);
	if (f != NULL) {
		assert_true(fread(text, 1, sizeof text - 1, f) > 0);
		fclose(f);
	}
	return text;
}

static void name_write(const char *dir, int i, const char *text)
{
	char path[160];

	snprintf(path, sizeof path, "%s/n%02d", dir, i);
	if (is_dir(i)) {
		assert_int_equal(mkdir(path, 0700), 0);
		strcat(path, "/in");
	}
	text_write(path, text);
}

static const char *name_read(const char *dir, int i)
{
	char path[300];

	snprintf(path, sizeof path, "%s/n%02d%s", dir, i, is_dir(i) ? "/in" : "");
	return text_read(path);
}

static void old_make(const struct fixture *f)
{
	scratch_remove(f->userdata);
	assert_int_equal(mkdir(f->userdata, 0700), 0);
	text_write(f->database, "old");
	for (int i = 0; i < NAMES; i++)
		if (was_there(i))
			name_write(f->userdata, i, "old");
}

static int archive_make(const struct fixture *f)
{
	char path[128], names[NAMES][8];
	const char *list[NAMES + 1] = {NULL};
	struct include what = {.names = list, .max_bytes = 1 << 20, .until_us = due_now_us() + LIMIT_US};
	struct include_facts facts = {0};
	int fd;

	assert_int_equal(mkdir(f->source, 0700), 0);
	for (int i = 0; i < NAMES; i++) {
		name_write(f->source, i, "new");
		snprintf(names[i], sizeof names[i], "n%02d", i);
		list[i] = names[i];
	}
	snprintf(path, sizeof path, "%s/archive", f->dir);
	fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	what.dir_fd = open(f->source, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(fd >= 0 && what.dir_fd >= 0);
	assert_int_equal(include_pack(&what, fd, &facts), 0);
	close(what.dir_fd);
	return fd;
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof *f);

	assert_non_null(f);
	snprintf(f->dir, sizeof f->dir, "/tmp/t3ops-files.XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	snprintf(f->userdata, sizeof f->userdata, "%s/userdata", f->dir);
	snprintf(f->database, sizeof f->database, "%s/state.sqlite", f->userdata);
	snprintf(f->aside, sizeof f->aside, "%s/state.sqlite.old", f->userdata);
	snprintf(f->source, sizeof f->source, "%s/source", f->dir);
	f->archive_fd = archive_make(f);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	close(f->archive_fd);
	scratch_remove(f->dir);
	free(f);
	return 0;
}

static int begin(const struct fixture *f, struct include_swap *s, char why[300])
{
	assert_int_equal(lseek(f->archive_fd, 0, SEEK_SET), 0);
	return include_swap_begin(s, f->database, f->archive_fd, AT_S, due_now_us() + LIMIT_US, why, 300);
}

/* As replace.c does it: the old one keeps a second name. */
static void database_replace(const struct fixture *f)
{
	char fresh[140];

	snprintf(fresh, sizeof fresh, "%s.new", f->database);
	text_write(fresh, "new");
	assert_int_equal(link(f->database, f->aside), 0);
	assert_int_equal(rename(fresh, f->database), 0);
}

/* A restore, which is undone perhaps; told: 1 byte when the database is about to be replaced. */
static void swap(const struct fixture *f, bool undone, int told)
{
	struct include_swap s;
	char why[300] = "";

	assert_int_equal(begin(f, &s, why), 0);
	if (told >= 0)
		assert_int_equal(write(told, "x", 1), 1);
	database_replace(f);
	assert_int_equal(include_swap_exchange(&s, why, sizeof why), 0);
	if (!undone) {
		include_swap_end(&s);
		return;
	}
	assert_int_equal(rename(f->aside, f->database), 0);
	assert_int_equal(include_swap_undo(&s, why, sizeof why), 0);
}

/* The directory of what is kept; false: there is none. */
static bool kept_find(const struct fixture *f, char kept[300])
{
	DIR *dir = opendir(f->userdata);
	struct dirent *e;
	int n = 0;

	assert_non_null(dir);
	while ((e = readdir(dir)) != NULL) {
		assert_string_not_equal(e->d_name, ".files.unpacking");
		if (strncmp(e->d_name, "files.replaced-", 15) == 0) {
			snprintf(kept, 300, "%s/%.150s", f->userdata, e->d_name);
			n++;
		}
	}
	closedir(dir);
	assert_true(n <= 1);
	return n == 1;
}

/* All of it is what the database is. */
static void check(const struct fixture *f)
{
	bool is_new = strcmp(text_read(f->database), "new") == 0;
	char kept[300] = "", journal[320];

	assert_true(is_new || strcmp(text_read(f->database), "old") == 0);
	for (int i = 0; i < NAMES; i++)
		assert_string_equal(name_read(f->userdata, i), is_new ? "new" : was_there(i) ? "old" : "");
	assert_int_equal(kept_find(f, kept), is_new);
	if (!is_new)
		return;
	for (int i = 0; i < NAMES; i++)
		assert_string_equal(name_read(kept, i), was_there(i) ? "old" : "");
	snprintf(journal, sizeof journal, "%s/.restoring", kept);
	assert_int_not_equal(access(journal, F_OK), 0);
}

static void test_swaps(void **state)
{
	const struct fixture *f = *state;

	for (int undone = 0; undone < 2; undone++) {
		old_make(f);
		swap(f, undone, -1);
		check(f);
		assert_null(include_swap_recover(f->database));
		check(f);
	}
}

/* Who is still at it is left alone. */
static void test_in_progress(void **state)
{
	const struct fixture *f = *state;
	struct include_swap s;
	char why[300] = "", kept[300];

	old_make(f);
	assert_int_equal(begin(f, &s, why), 0);
	assert_null(include_swap_recover(f->database));
	assert_true(kept_find(f, kept));
	database_replace(f);
	assert_int_equal(include_swap_exchange(&s, why, sizeof why), 0);
	include_swap_end(&s);
	check(f);
}

static void test_database_stays(void **state)
{
	const struct fixture *f = *state;
	struct include_swap s;
	char why[300] = "";

	old_make(f);
	assert_int_equal(begin(f, &s, why), 0);
	assert_int_equal(include_swap_undo(&s, why, sizeof why), 0);
	check(f);
}

static pid_t swap_start(const struct fixture *f, bool undone, int *told)
{
	int ends[2];
	pid_t pid;

	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	pid = fork();
	if (pid == 0) {
		swap(f, undone, ends[1]);
		_exit(0);
	}
	assert_true(pid > 0);
	close(ends[1]);
	*told = ends[0];
	return pid;
}

static bool kill_after(pid_t pid, unsigned us)
{
	int status;

	usleep(us);
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status) || WEXITSTATUS(status) == 0);
	return WIFSIGNALED(status);
}

/* Who recovers is killed as well. */
static void recover_killed(const struct fixture *f, unsigned us)
{
	pid_t pid = fork();

	if (pid == 0) {
		include_swap_recover(f->database);
		_exit(0);
	}
	assert_true(pid > 0);
	kill_after(pid, us);
}

/* How long a whole one takes, and what comes after it was unpacked. */
static void times_take(const struct fixture *f, unsigned *whole_us, unsigned *rest_us)
{
	uint64_t began_us = due_now_us(), unpacked_us;
	int told, status;
	pid_t pid = swap_start(f, true, &told);
	char byte;

	assert_int_equal(read(told, &byte, 1), 1);
	unpacked_us = due_now_us();
	assert_int_equal(waitpid(pid, &status, 0), pid);
	close(told);
	*whole_us = (unsigned)(due_now_us() - began_us) + 1;
	*rest_us = (unsigned)(due_now_us() - unpacked_us) + 1;
}

static void test_killed(void **state)
{
	const struct fixture *f = *state;
	unsigned seed = 14, whole_us, rest_us;
	int killed = 0, finished = 0, told;
	char byte;

	old_make(f);
	times_take(f, &whole_us, &rest_us);
	for (int i = 0; killed < KILLS; i++) {
		pid_t pid;

		old_make(f);
		pid = swap_start(f, i % 4 < 2, &told);
		if (i % 2 == 0)
			assert_int_equal(read(told, &byte, 1), 1);
		killed += kill_after(pid, (unsigned)rand_r(&seed) % (i % 2 == 0 ? rest_us : whole_us));
		close(told);
		recover_killed(f, (unsigned)rand_r(&seed) % rest_us);
		finished += include_swap_recover(f->database) != NULL;
		check(f);
		assert_null(include_swap_recover(f->database));
		assert_true(i < 20 * KILLS); /* some are over before their kill */
	}
	assert_true(finished > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_swaps, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_in_progress, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_database_stays, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_killed, setup, teardown),
	};

	return include_is_there() ? cmocka_run_group_tests(tests, NULL, NULL) : 77;
}
