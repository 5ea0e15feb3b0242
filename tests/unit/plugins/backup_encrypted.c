/* SPDX-License-Identifier: MIT */
/* Backups that are encrypted. */
#include <errno.h>
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

#ifdef HAVE_SODIUM
static void key_write(struct fixture *f, char digit, mode_t mode)
{
	char text[66];

	memset(text, digit, 64);
	memcpy(text + 64, "\n", 2);
	PATH(f->key, "%s/key", f->dir);
	unlink(f->key);
	file_write(f->key, text, 65);
	chmod(f->key, mode);
}

static bool holds(const char *path, const char *bytes)
{
	static char whole[1 << 20];
	FILE *in = fopen(path, "r");
	size_t n = fread(whole, 1, sizeof whole, in);

	fclose(in);
	return memmem(whole, n, bytes, strlen(bytes)) != NULL;
}

/* Encrypted, packed before or not: nothing of the database can be read; with its key it comes back, with another one
 * it is refused and not called damaged; what was changed is. */
static void test_encrypted(void **state)
{
	struct fixture *f = *state;
	char path[512], plain[512], arguments[600], why[512];
	struct stat st;

	PATH(plain, "%s/plain.sqlite", f->dir);
	PATH(arguments, "{\"to\":\"%s\"}", plain);
	database_make(f->db, 400);
	for (int level = 0; level <= 3; level += 3) {
#ifdef HAVE_ZSTD
		f->compress = level;
#endif
		key_write(f, 'a', 0600);
		run_ok(f, path);
		assert_non_null(strstr(path, f->compress ? ".sqlite.zst.enc" : ".sqlite.enc"));
		assert_false(holds(path, "SQLite format 3"));
		assert_false(holds(path, "CREATE TABLE"));
		assert_int_equal(run_action(f, "verify", NULL, why), 0);
		assert_int_equal(run_action(f, "restore", arguments, why), 0);
		database_check(plain, 400);
		assert_int_equal(unlink(plain), 0);

		key_write(f, 'b', 0600);
		assert_int_equal(run_action(f, "verify", NULL, why), -EKEYREJECTED);
		assert_non_null(strstr(why, "another key"));
		f->key[0] = '\0';
		assert_int_equal(run_action(f, "restore", arguments, why), -ENOKEY);
		assert_non_null(strstr(why, "encrypt_key"));
		key_write(f, 'a', 0600);
		assert_int_equal(run_action(f, "verify", NULL, why), 0); /* it was never called damaged */

		assert_int_equal(stat(path, &st), 0);
		backups_manifest_forget(f);
		file_byte_flip(path, st.st_size / 2);
		assert_int_equal(run_action(f, "restore", arguments, why), -EBADMSG);
		file_byte_flip(path, st.st_size / 2);
		assert_int_equal(truncate(path, st.st_size - 1), 0);
		assert_int_equal(run_action(f, "verify", NULL, why), -EBADMSG);
		assert_int_equal(access(plain, F_OK), -1);
		assert_int_equal(unlink(path), 0);
	}
}

static void test_keys(void **state)
{
	struct fixture *f = *state;

	database_make(f->db, 10);
	key_write(f, 'a', 0640);
	run_fails(f, -EPERM, "others may read it");
	key_write(f, 'g', 0600);
	run_fails(f, -EINVAL, "expected 64 hexadecimal digits");
	unlink(f->key);
	run_fails(f, -ENOENT, f->key);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_encrypted, fixture_setup, fixture_teardown),
	    cmocka_unit_test_setup_teardown(test_keys, fixture_setup, fixture_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
#else
int main(void)
{
	return 77; /* nothing to test */
}
#endif
