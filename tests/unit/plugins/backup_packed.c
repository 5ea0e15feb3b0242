/* SPDX-License-Identifier: MIT */
/* Backups that are packed. */
#include <errno.h>
#include <jansson.h>
#include <setjmp.h>
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

#ifdef HAVE_ZSTD
/* Packed, its two digests known; read whole by verify; whatever is wrong with it found, also without the manifest. */
static void test_packed(void **state)
{
	struct fixture *f = *state;
	char path[512], digest[65], command[1200], plain[512], why[512];
	struct stat before, st;
	json_t *line;

	database_make(f->db, 2000);
	database_exec(
	    f->db, "INSERT INTO events(body) SELECT zeroblob(3000) FROM events LIMIT 1500; UPDATE totals SET n = n + "
	           "1500; PRAGMA wal_checkpoint(TRUNCATE)");
	assert_int_equal(stat(f->db, &before), 0);
	f->compress = 3;
	run_ok(f, path);
	assert_non_null(strstr(path, "Z.sqlite.zst"));
	assert_int_equal(stat(path, &st), 0);
	assert_true(st.st_size < before.st_size / 2);
	line = backups_manifest_line(f);
	file_digest(path, digest);
	assert_string_equal(json_string_value(json_object_get(line, "sha256")), digest);
	assert_true(json_integer_value(json_object_get(line, "database_bytes")) > st.st_size);
	PATH(plain, "%s/plain.sqlite", f->dir);
	PATH(command, "{\"to\":\"%s\"}", plain);
	assert_int_equal(run_action(f, "restore", command, why), 0);
	file_digest(plain, digest);
	assert_string_equal(json_string_value(json_object_get(line, "database_sha256")), digest);
	database_check(plain, 3500);
	json_decref(line);
	assert_int_equal(run_action(f, "verify", NULL, why), 0);
	assert_int_equal(backups_count(f, ".state", NULL), 0);

	file_byte_flip(path, st.st_size / 2);
	assert_int_equal(unlink(plain), 0);
	backups_manifest_forget(f); /* zstd's own checksum is left */
	assert_int_equal(run_action(f, "restore", command, why), -EBADMSG);
	assert_int_equal(access(plain, F_OK), -1);
	assert_int_equal(run_action(f, "verify", NULL, why), -EBADMSG);
	assert_non_null(strstr(why, "damaged"));
	assert_int_equal(run_action(f, "restore", command, why), -ENOENT); /* it is known to be damaged now */

	run_ok(f, path);
	assert_int_equal(truncate(path, st.st_size / 3), 0);
	assert_int_equal(run_action(f, "verify", NULL, why), -EBADMSG);
}

/* Both kinds stand beside each other, and are counted as one. */
static void test_packed_beside_plain(void **state)
{
	struct fixture *f = *state;
	char path[512];

	database_make(f->db, 10);
	f->keep = 3;
	for (int i = 0; i < 6; i++) {
		f->compress = i % 2;
		run_ok(f, path);
	}
	assert_int_equal(backups_count(f, "state-", NULL), 3);
	assert_non_null(strstr(path, ".zst"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_packed, fixture_setup, fixture_teardown),
	    cmocka_unit_test_setup_teardown(test_packed_beside_plain, fixture_setup, fixture_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
#else
int main(void)
{
	return 77; /* nothing to test */
}
#endif
