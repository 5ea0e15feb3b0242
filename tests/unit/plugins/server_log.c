/* SPDX-License-Identifier: MIT */
/* What a t3 server printed: errors are found, credentials never come out. */
#include "common/server_log.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

static void test_lines(void **state)
{
	static const struct {
		const char *line;
		bool complaint, error, full;
	} cases[] = {
	    {"", false, false, false},
	    {"Listening on http://127.0.0.1:3773", false, false, false},
	    {"Migrations applied: 31, 32", false, false, false},
	    {"Migration 33 failed", true, true, false},
	    {"SqlError: no such column: scopes", true, true, false},
	    {"the migration table DIVERGES from what is on disk", true, false, false},
	    {"error: SQLITE_FULL: database or disk is full", true, true, true},
	    {"Error: listen EADDRINUSE", false, true, false},
	    {"cannot open settings.json", false, true, false},
	    {"write: No space left on device", false, false, true},
	    {"write failed: ENOSPC", false, true, true},
	    {"Disk quota exceeded", false, false, true},
	    {"Token: abc-error", false, false, false},
	    {"migration failed: token=abc", true, false, false},
	    {"migration repair_threads failed", true, false, false}, /* a pair in it is no reason to miss it */
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		assert_int_equal(server_log_is_complaint(cases[i].line), cases[i].complaint);
		assert_int_equal(server_log_is_error(cases[i].line), cases[i].error);
		assert_int_equal(server_log_is_full(cases[i].line), cases[i].full);
	}
}

#define LOG(text) text, sizeof text - 1
#define CENSORED  "a line about the database that may hold a credential"

static void test_logs(void **state)
{
	static const struct {
		const char *text;
		size_t len;
		const char *complaint, *last; /* "": none */
	} cases[] = {
	    {LOG(""), "", ""},
	    {LOG("Listening\n"), "", ""},
	    {LOG("a\n  SqlError: one\nSqlError: two\nb\n"), "SqlError: one", "SqlError: two"},
	    {LOG("no newline: migration failed"), "no newline: migration failed", "no newline: migration failed"},
	    {LOG("fine\0hidden\0SqlError: behind it\n"), "SqlError: behind it", "SqlError: behind it"},
	    {LOG("SqlError: token=s3cret\n"), CENSORED, ""},
	    {LOG("Pairing URL: http://x/#s3cret\nError: later\n"), "", "Error: later"},
	    {LOG("Error: one\nError: credential s3cret\n"), "", "Error: one"},
	};
	char out[80];

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		int fd = memfd_create("log", MFD_CLOEXEC);

		assert_int_equal(write(fd, cases[i].text, cases[i].len), cases[i].len);
		assert_int_equal(server_log_complaint(fd, out, sizeof out), *cases[i].complaint != '\0');
		assert_string_equal(out, cases[i].complaint);
		server_log_last(fd, out, sizeof out);
		assert_string_equal(out, cases[i].last);
		server_log_last(fd, out, 6);
		assert_int_equal(strlen(out), strlen(cases[i].last) < 5 ? strlen(cases[i].last) : 5);
		close(fd);
	}
	assert_false(server_log_complaint(-1, out, sizeof out)); /* of a server that never began */
	assert_string_equal(out, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_lines), cmocka_unit_test(test_logs)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
