/* SPDX-License-Identifier: MIT */
/* What a migration did to a database, told from its columns and rows before and after. */
#include "upgrade/audit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "database.h"
#include "files.h"

static void test_columns(void **state)
{
	char path[] = "/tmp/audit.XXXXXX", why[200] = "";
	json_t *columns;

	(void)state;
	close(mkstemp(path));
	database_exec(path,
	              "CREATE TABLE auth_sessions(id TEXT, role TEXT); CREATE TABLE \"odd.name\"(\"a b\" INTEGER)");
	columns = audit_columns(path, why, sizeof why);
	assert_non_null(columns);
	assert_int_equal(json_object_size(columns), 3);
	assert_string_equal(json_string_value(json_object_get(columns, "auth_sessions.role")), "TEXT");
	assert_string_equal(json_string_value(json_object_get(columns, "odd.name.a b")), "INTEGER");
	json_decref(columns);
	file_write(
	    path,
	    "this is no database, whatever is said of it, and long enough for the header of one: a hundred bytes",
	    100);
	assert_null(audit_columns(path, why, sizeof why));
	assert_non_null(strstr(why, "its columns cannot be read: file is not a database"));
	assert_int_equal(unlink(path), 0);
	assert_null(audit_columns(path, why, sizeof why));
}

static void test_columns_compare(void **state)
{
	static const struct {
		const char *before, *after, *text;
	} cases[] = {
	    {"{}", "{}", ""},
	    {"{\"a.x\":\"TEXT\"}", "{\"a.x\":\"TEXT\"}", ""},
	    {"{\"a.x\":\"TEXT\"}", "{\"a.x\":\"BLOB\"}", ""}, /* SQLite's types bind nobody */
	    {"{\"a.role\":\"\"}", "{\"a.scopes\":\"\"}", "-a.role +a.scopes"},
	    {"{}", "{\"a.x\":\"\"}", "+a.x"},
	    {"{\"a.x\":\"\",\"a.y\":\"\"}", "{}", "-a.x -a.y"},
	};
	char out[64];

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		json_t *before = json_loads(cases[i].before, 0, NULL), *after = json_loads(cases[i].after, 0, NULL);

		audit_columns_compare(before, after, out, sizeof out);
		assert_string_equal(out, cases[i].text);
		audit_columns_compare(before, after, out, 4); /* cut off, never beyond */
		assert_true(strlen(out) < 4);
		json_decref(before);
		json_decref(after);
	}
}

static void test_rows_lost(void **state)
{
	static const struct {
		const char *before, *after;
		bool lost;
		const char *why;
	} cases[] = {
	    {"{\"events\":3}", "{\"events\":3}", false, ""},
	    {"{\"events\":3}", "{\"events\":4}", false, ""},
	    {"{\"events\":3}", "{\"events\":2}", true, "loses rows of table events: it had 3 and has 2"},
	    {"{\"events\":3}", "{}", true, "table events: it had 3 and has 0"}, /* dropped, or renamed */
	    {"{\"empty\":0}", "{}", false, ""},
	    {"{\"auth_sessions\":3,\"auth_pairing\":1}", "{}", false, ""}, /* counted elsewhere */
	    {"{\"authors\":3}", "{}", true, "table authors"},
	    {"{\"effect_sql_migrations\":30}", "{\"effect_sql_migrations\":1}", false, ""}, /* squashed */
	};
	char why[200];

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		json_t *before = json_loads(cases[i].before, 0, NULL), *after = json_loads(cases[i].after, 0, NULL);

		why[0] = '\0';
		assert_int_equal(audit_rows_lost(before, after, why, sizeof why), cases[i].lost);
		if (strstr(why, cases[i].why) == NULL)
			fail_msg("\"%s\" lacks \"%s\"", why, cases[i].why);
		json_decref(before);
		json_decref(after);
	}
}

static void test_sessions_lost(void **state)
{
	static const struct {
		int before, after; /* -1: no such table */
		long long lost;
	} cases[] = {{5, 6, 0}, {5, 5, 1}, {5, 1, 5},  {5, 0, 5},  {5, -1, 5},
	             {0, 1, 0}, {0, 0, 0}, {-1, 1, 0}, {-1, -1, 0}};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		json_t *before = json_object(), *after = json_object();

		if (cases[i].before >= 0)
			json_object_set_new(before, "auth_sessions", json_integer(cases[i].before));
		if (cases[i].after >= 0)
			json_object_set_new(after, "auth_sessions", json_integer(cases[i].after));
		assert_int_equal(audit_sessions_lost(before, after), cases[i].lost);
		json_decref(before);
		json_decref(after);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_columns), cmocka_unit_test(test_columns_compare),
	                                   cmocka_unit_test(test_rows_lost), cmocka_unit_test(test_sessions_lost)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
