/* SPDX-License-Identifier: MIT */
/* The pauses between attempts: a table of failures, and the bounds of chance. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "prober/backoff.h"

static void test_doubles_up_to_the_limit(void **state)
{
	static const struct {
		uint64_t min, max;
		unsigned failures;
		uint64_t longest;
	} rows[] = {
	    {1000, 30000, 1, 1000},
	    {1000, 30000, 2, 2000},
	    {1000, 30000, 3, 4000},
	    {1000, 30000, 5, 16000},
	    {1000, 30000, 6, 30000},
	    {1000, 30000, 4000000000, 30000},
	    {1000, 1000, 9, 1000},
	    {5000, 1000, 1, 1000}, /* a limit below the first pause wins */
	    {3600000000, 3600000000, 100, 3600000000},
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		uint64_t longest = backoff_us(rows[i].min, rows[i].max, rows[i].failures, 0);
		uint64_t shortest = backoff_us(rows[i].min, rows[i].max, rows[i].failures, UINT32_MAX);

		assert_int_equal(longest, rows[i].longest);
		assert_int_equal(shortest, rows[i].longest - rows[i].longest / 4);
	}
}

static void test_chance_spreads(void **state)
{
	uint64_t before = backoff_us(1000000, 30000000, 3, 0);

	(void)state;
	for (uint32_t random = 1u << 28; random != 0; random += 1u << 28) {
		uint64_t now = backoff_us(1000000, 30000000, 3, random);

		assert_true(now < before);
		before = now;
	}
}

static void test_retry(void **state)
{
	(void)state;
	assert_int_equal(backoff_retry_us(7000000, 10000000, 9000000, 0), 8000000);
	assert_int_equal(backoff_retry_us(7000000, 10000000, 9000000, UINT32_MAX), 8000000);
	assert_int_equal(backoff_retry_us(7000000, 10000000, 17000000, 0), 0);
	assert_int_equal(backoff_retry_us(7000000, 10000000, 99000000, UINT32_MAX), 1000000);
	assert_int_equal(backoff_retry_us(0, 10000000, 99000000, UINT32_MAX / 2), 499999);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_doubles_up_to_the_limit),
	    cmocka_unit_test(test_chance_spreads),
	    cmocka_unit_test(test_retry),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
