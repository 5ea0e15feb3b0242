/* SPDX-License-Identifier: MIT */
/* Which limit a path has. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "proxy/path_timeout.h"

static void rows_are_read(void **state)
{
	static const struct {
		const char *text;
		bool ok;
	} rows[] = {
	    {"/api=10s", true}, {"/=1m", true},     {"/a=b=500ms", true},  {"/api/=10s", false},
	    {"api=10s", false}, {"/api", false},    {"/api=", false},      {"/api=10", false},
	    {"=10s", false},    {"/api=0s", false}, {"/api?x=10s", false}, {"/a b=10s", false},
	};
	struct path_timeouts t = {0};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		assert_int_equal(path_timeouts_add(&t, rows[i].text), rows[i].ok);
	assert_int_equal(t.n, 3);
	path_timeouts_fini(&t);
}

static void the_longest_path_counts(void **state)
{
	static const struct {
		const char *path;
		uint64_t limit_us;
	} rows[] = {
	    {"/", 0},
	    {"/api", 10000000},
	    {"/api/x", 10000000},
	    {"/apix", 0},
	    {"/api/long", 600000000},
	    {"/api/long/er", 600000000},
	    {"/api/longer", 10000000},
	    {"", 0},
	};
	struct path_timeouts t = {0};

	(void)state;
	assert_int_equal(path_timeout_find(&t, span_of("/api")), 0);
	assert_true(path_timeouts_add(&t, "/api/long=10m"));
	assert_true(path_timeouts_add(&t, "/api=10s"));
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		assert_int_equal(path_timeout_find(&t, span_of(rows[i].path)), rows[i].limit_us);
	assert_true(path_timeouts_add(&t, "/=1s"));
	assert_int_equal(path_timeout_find(&t, span_of("/apix")), 1000000);
	path_timeouts_fini(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(rows_are_read),
	    cmocka_unit_test(the_longest_path_counts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
