/* SPDX-License-Identifier: MIT */
/* Counted tables of a database, what a copy of it may hold, and the pressure that makes a run pause. */
#include "common/census.h"
#include "common/gentle.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void test_take(void **state)
{
	struct census c;
	sqlite3 *db;

	(void)state;
	assert_int_equal(sqlite3_open(":memory:", &db), SQLITE_OK);
	assert_int_equal(census_take(db, &c), SQLITE_OK);
	assert_int_equal(json_object_size(c.rows), 0);
	assert_int_equal(c.migration, -1);
	census_fini(&c);
	assert_int_equal(sqlite3_exec(db,
	                              "CREATE TABLE \"a \"\"b\"(x); INSERT INTO \"a \"\"b\" VALUES(1),(2);"
	                              "CREATE TABLE effect_sql_migrations(migration_id, name);",
	                              NULL, NULL, NULL),
	                 SQLITE_OK);
	assert_int_equal(census_take(db, &c), SQLITE_OK);
	assert_int_equal(json_integer_value(json_object_get(c.rows, "a \"b")), 2);
	assert_int_equal(c.migration, -1);
	census_fini(&c);
	sqlite3_exec(db, "INSERT INTO effect_sql_migrations VALUES(9,'nine'),(32,'last')", NULL, NULL, NULL);
	assert_int_equal(census_take(db, &c), SQLITE_OK);
	assert_int_equal(c.migration, 32);
	census_fini(&c);
	sqlite3_exec(db, "CREATE TABLE nothing(x)", NULL, NULL, NULL);
	assert_int_equal(census_glance(db, &c), SQLITE_OK);
	assert_int_equal(json_integer_value(json_object_get(c.rows, "a \"b")), 1);
	assert_int_equal(json_integer_value(json_object_get(c.rows, "nothing")), 0);
	assert_int_equal(c.migration, 32);
	census_fini(&c);
	sqlite3_close(db);
}

static struct census census(const char *rows, long long version)
{
	return (struct census){.rows = json_loads(rows, 0, NULL), .version = version};
}

static void test_fits(void **state)
{
	static const struct {
		const char *before, *copy, *after;
		bool written, fits;
		const char *why;
	} cases[] = {
	    {"{\"a\":5}", "{\"a\":5}", "{\"a\":5}", false, true, ""},
	    {"{\"a\":5}", "{\"a\":4}", "{\"a\":5}", false, false, "table a has 4 rows in the copy and had 5"},
	    {"{\"a\":5}", "{\"a\":4}", "{\"a\":5}", true, true, ""}, /* one came back, who knows */
	    {"{\"a\":5}", "{\"a\":7}", "{\"a\":9}", true, true, ""},
	    {"{\"a\":5}", "{\"a\":0}", "{\"a\":9}", true, false, "table a is empty in the copy and was not"},
	    {"{\"a\":5}", "{\"a\":0}", "{\"a\":0}", true, true, ""}, /* emptied meanwhile */
	    {"{\"a\":5,\"b\":1}", "{\"a\":5}", "{\"a\":5,\"b\":1}", true, false, "table b is missing"},
	    {"{\"a\":5,\"b\":1}", "{\"a\":5}", "{\"a\":5}", true, true, ""}, /* dropped meanwhile */
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct census before = census(cases[i].before, 1), copy = census(cases[i].copy, 1);
		struct census after = census(cases[i].after, cases[i].written ? 2 : 1);
		char why[160] = "";

		assert_int_equal(census_fits(&before, &copy, &after, why, sizeof why), cases[i].fits);
		if (strstr(why, cases[i].why) == NULL)
			fail_msg("\"%s\" lacks \"%s\"", why, cases[i].why);
		census_fini(&before);
		census_fini(&copy);
		census_fini(&after);
	}
}

static void test_pressure(void **state)
{
	static const char text[] = "some avg10=12.50 avg60=3.00 avg300=1.00 total=1\n"
	                           "full avg10=0.75 avg60=0.00 avg300=0.00 total=0\n";

	(void)state;
	assert_true(gentle_avg10(text, "some") == 12.5);
	assert_true(gentle_avg10(text, "full") == 0.75);
	assert_true(gentle_avg10("some total=1\nfull avg10=9.0\n", "some") == 0.0);
	assert_true(gentle_avg10("", "some") == 0.0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_take), cmocka_unit_test(test_fits),
	                                   cmocka_unit_test(test_pressure)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
