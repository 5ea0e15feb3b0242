/* SPDX-License-Identifier: MIT */
/* The file that VACUUM INTO makes through gathered writes: the same bytes, whatever its name; nothing is followed. */
#include "common/bulk_vfs.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "database.h"
#include "files.h"

static int dir_setup(void **state)
{
	char template[] = "/tmp/bulk.XXXXXX";

	*state = strdup(mkdtemp(template));
	return *state == NULL;
}

static int dir_teardown(void **state)
{
	file_tree_remove(*state);
	free(*state);
	return 0;
}

static void test_uri(void **state)
{
	static const struct {
		const char *path, *uri;
	} cases[] = {
	    {"/var/backups/al-1_2.sqlite", "file:/var/backups/al-1_2.sqlite?vfs=t3ops_bulk"},
	    {"/a b/%41?x=1&y#z", "file:/a%20b/%2541%3Fx%3D1%26y%23z?vfs=t3ops_bulk"},
	    {"/\xc3\xa4", "file:/%C3%A4?vfs=t3ops_bulk"},
	    {"", "file:?vfs=t3ops_bulk"},
	};
	char uri[64];

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		assert_int_equal(bulk_uri(cases[i].path, uri, sizeof uri), 0);
		assert_string_equal(uri, cases[i].uri);
	}
	assert_int_equal(bulk_uri("/a/path/that/is/longer/than/the/room/for/a/uri", uri, sizeof uri), -ENAMETOOLONG);
	assert_int_equal(bulk_uri("/", uri, 8), -ENAMETOOLONG);
}

/* VACUUM INTO through it; SQLite's code. */
static int copy_make(const char *from, const char *to, int *error)
{
	char uri[BULK_URI_MAX], *text;
	struct bulk_vfs bulk;
	sqlite3 *db;
	int rc;

	assert_int_equal(bulk_uri(to, uri, sizeof uri), 0);
	assert_int_equal(bulk_vfs_begin(&bulk), SQLITE_OK);
	assert_int_equal(sqlite3_open_v2(from, &db, SQLITE_OPEN_READONLY | SQLITE_OPEN_URI, NULL), SQLITE_OK);
	text = sqlite3_mprintf("VACUUM INTO %Q", uri);
	rc = sqlite3_exec(db, text, NULL, NULL, NULL);
	sqlite3_free(text);
	sqlite3_close(db);
	bulk_vfs_end(&bulk);
	*error = bulk.error;
	return rc;
}

static void test_same_bytes(void **state)
{
	static const char *const names[] = {"copy", "a name? of=100%&more#.sqlite"};
	char from[64], to[128], plain[64], text[128], one[65], other[65];
	struct stat st;
	int error;

	PATH(from, "%s/from", (const char *)*state);
	PATH(plain, "%s/plain", (const char *)*state);
	database_make(from, 9000); /* several megabytes: more than is gathered, and than SQLite keeps in memory */
	database_exec(from, "DELETE FROM events WHERE id % 7 = 3");
	PATH(text, "VACUUM INTO '%s'", plain);
	database_exec(from, text);
	file_digest(plain, one);
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		PATH(to, "%s/%s", (const char *)*state, names[i]);
		assert_int_equal(copy_make(from, to, &error), SQLITE_OK);
		assert_int_equal(error, 0);
		file_digest(to, other);
		assert_string_equal(one, other);
		assert_int_equal(stat(to, &st), 0);
		assert_int_equal(st.st_mode & 07777, 0600);
	}
}

static void test_in_the_way(void **state)
{
	char from[64], to[64], other[64];
	struct stat st;
	int error;

	PATH(from, "%s/from", (const char *)*state);
	PATH(to, "%s/to", (const char *)*state);
	PATH(other, "%s/other", (const char *)*state);
	database_make(from, 10);
	assert_int_equal(symlink(other, to), 0);
	assert_int_equal(copy_make(from, to, &error), SQLITE_CANTOPEN);
	assert_int_equal(lstat(other, &st), -1);
	assert_int_equal(unlink(to), 0);
	file_write(to, "", 0);
	assert_int_equal(copy_make(from, to, &error), SQLITE_CANTOPEN);
	assert_int_equal(unlink(to), 0);
	assert_int_equal(mkfifo(to, 0600), 0);
	assert_int_equal(copy_make(from, to, &error), SQLITE_CANTOPEN);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_uri),
	    cmocka_unit_test_setup_teardown(test_same_bytes, dir_setup, dir_teardown),
	    cmocka_unit_test_setup_teardown(test_in_the_way, dir_setup, dir_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
