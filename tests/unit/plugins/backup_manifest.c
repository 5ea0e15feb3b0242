/* SPDX-License-Identifier: MIT */
/* The manifest of a directory of backups: written, read again, missing, damaged, and what a person means. */
#include "backup/manifest.h"

#include <dirent.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

struct fixture {
	char path[64];
	int fd;
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof *f);

	strcpy(f->path, "/tmp/manifest.XXXXXX");
	assert_non_null(mkdtemp(f->path));
	f->fd = open(f->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	DIR *dir = fdopendir(f->fd);
	struct dirent *e;

	rewinddir(dir);
	while ((e = readdir(dir)) != NULL)
		unlinkat(f->fd, e->d_name, 0);
	closedir(dir);
	rmdir(f->path);
	free(f);
	return 0;
}

static void file_put(const struct fixture *f, const char *name, const char *text)
{
	int fd = openat(f->fd, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
}

static void test_round_trip(void **state)
{
	struct fixture *f = *state;
	struct backup_row one = {.at_s = 1795750200,
	                         .bytes = 3,
	                         .sha256 = "ab12",
	                         .seconds = 1.5,
	                         .reason = BACKUP_MANUAL,
	                         .migration = 37,
	                         .t3_version = "0.0.32",
	                         .pinned = true,
	                         .verified_s = 1795750201,
	                         .rows = json_pack("{s:i}", "events", 7)};
	struct backup_row two = {.at_s = 1795753800, .bytes = 4, .migration = -1, .damaged = true};
	struct manifest m = {0};

	backup_name(one.file, one.at_s, one.reason, false, false);
	backup_name(two.file, two.at_s, two.reason, false, false);
	assert_string_equal(one.file, "state-20261127T033000Z-manual.sqlite");
	assert_string_equal(two.file, "state-20261127T043000Z.sqlite");
	file_put(f, one.file, "abc");
	file_put(f, two.file, "abcd");
	assert_int_equal(manifest_add(&m, &one), 0);
	assert_int_equal(manifest_add(&m, &two), 0);
	assert_int_equal(manifest_write(f->fd, &m), 0);
	manifest_fini(&m);

	assert_int_equal(manifest_read(f->fd, &m), 0);
	assert_int_equal(m.n, 2);
	assert_int_equal(m.unreadable, 0);
	assert_string_equal(m.rows[0].file, two.file); /* newest first */
	assert_true(m.rows[0].damaged && !m.rows[0].pinned && m.rows[0].migration == -1);
	assert_string_equal(m.rows[1].file, one.file);
	assert_true(m.rows[1].pinned && !m.rows[1].damaged && m.rows[1].migration == 37 && m.rows[1].bytes == 3);
	assert_true(m.rows[1].seconds == 1.5 && m.rows[1].verified_s == one.verified_s);
	assert_string_equal(m.rows[1].sha256, "ab12");
	assert_string_equal(m.rows[1].t3_version, "0.0.32");
	assert_int_equal(json_integer_value(json_object_get(m.rows[1].rows, "events")), 7);
	manifest_fini(&m);
}

/* Files are what counts, and nothing that is no backup is one. */
static void test_files_decide(void **state)
{
	struct fixture *f = *state;
	struct manifest m;

	file_put(f, "state-20261127T033000Z.sqlite", "abc");
	file_put(f, "state-20261126T033000Z-manual.sqlite", "abcd");
	file_put(f, "state-20261125T033000Z.sqlite-journal", "");
	file_put(f, "state-before-upgrade.sqlite", "mine");
	file_put(f, "notes.txt", "mine");
	assert_int_equal(symlinkat("notes.txt", f->fd, "state-20261124T033000Z.sqlite"), 0);
	file_put(f, "manifest.jsonl",
	         "{\"file\":\"state-20200101T000000Z.sqlite\",\"pinned\":true}\n" /* its file is gone */
	         "{\"file\":\"state-20261127T033000Z.sqlite\",\"time\":\"2026-11-27T03:30:05Z\",\"pinned\":true}\n"
	         "{\"file\":\"state-20261127T033000Z.sqlite\",\"pinned\":false}\n" /* twice: the first counts */
	         "{\"file\":\"../secret\"}\n{\"file\":\"notes.txt\"}\n[]\n{\"file\":\"sta"); /* cut */
	assert_int_equal(manifest_read(f->fd, &m), 0);
	assert_int_equal(m.n, 2);
	assert_int_equal(m.unreadable, 2);
	assert_true(m.rows[0].pinned && m.rows[0].bytes == 3 && m.rows[0].at_s == 1795750205);
	assert_true(m.rows[1].reason == BACKUP_MANUAL && m.rows[1].bytes == 4 && m.rows[1].migration == -1);
	manifest_fini(&m);
}

static void test_find(void **state)
{
	struct fixture *f = *state;
	static const struct {
		const char *at, *file; /* NULL: none */
	} cases[] = {
	    {"", "state-20261126T153000Z-manual.sqlite"}, /* the newest good one */
	    {"newest", "state-20261126T153000Z-manual.sqlite"},
	    {"2026-11-26", "state-20261126T153000Z-manual.sqlite"},
	    {"2026-11-26T03", "state-20261126T033000Z.sqlite"},
	    {"2026-11-26T03:30:00Z", "state-20261126T033000Z.sqlite"},
	    {"state-20261127T033000Z.sqlite",
	     "state-20261127T033000Z.sqlite"}, /* who names it gets it, damaged or not */
	    {"2026-11-25", NULL},
	    {"yesterday", NULL},
	};
	struct manifest m;

	file_put(f, "state-20261127T033000Z.sqlite", "");
	file_put(f, "state-20261126T153000Z-manual.sqlite", "");
	file_put(f, "state-20261126T033000Z.sqlite", "");
	file_put(f, "manifest.jsonl", "{\"file\":\"state-20261127T033000Z.sqlite\",\"damaged\":true}\n");
	assert_int_equal(manifest_read(f->fd, &m), 0);
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		const struct backup_row *row = manifest_find(&m, cases[i].at);

		if (cases[i].file == NULL)
			assert_null(row);
		else if (row == NULL || strcmp(row->file, cases[i].file) != 0)
			fail_msg("\"%s\" is %s", cases[i].at, row != NULL ? row->file : "none");
	}
	manifest_fini(&m);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {CASE(test_round_trip), CASE(test_files_decide), CASE(test_find)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
