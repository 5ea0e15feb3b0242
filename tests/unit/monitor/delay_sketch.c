/* SPDX-License-Identifier: MIT */
/* The 99th percentile of times that nobody kept. */
#include "monitor/delay_sketch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

#include <cmocka.h>

static void percentiles(void **state)
{
	static const struct {
		unsigned fast, slow, slower;
		uint64_t from_us, to_us; /* of the answer */
	} rows[] = {
	    {19, 0, 0, 0, 0},        /* too few */
	    {100, 0, 0, 4000, 5700}, /* 4 ms */
	    {990, 9, 0, 4000, 5700}, /* the slow ones are less than one in a hundred */
	    {980, 20, 0, 100000, 142000},
	    {900, 60, 40, 46000000 / 2, 47000000},
	    {20000, 0, 0, 4000, 5700}, /* it never overflows */
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct delay_sketch s = {{0}};
		uint64_t p99;

		for (unsigned k = 0; k < rows[i].fast; k++)
			delay_sketch_add(&s, 4000);
		for (unsigned k = 0; k < rows[i].slow; k++)
			delay_sketch_add(&s, 100000);
		for (unsigned k = 0; k < rows[i].slower; k++)
			delay_sketch_add(&s, UINT64_C(3600000000));
		p99 = delay_sketch_p99_us(&s);
		if (p99 < rows[i].from_us || p99 > rows[i].to_us)
			fail_msg("row %zu: %llu us", i, (unsigned long long)p99);
	}
}

static void what_is_old_counts_less(void **state)
{
	struct delay_sketch s = {{0}};

	(void)state;
	for (int i = 0; i < 500; i++)
		delay_sketch_add(&s, 900000);
	assert_true(delay_sketch_p99_us(&s) >= 900000);
	for (int i = 0; i < 20000; i++)
		delay_sketch_add(&s, 4000);
	assert_true(delay_sketch_p99_us(&s) < 6000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(percentiles), cmocka_unit_test(what_is_old_counts_less)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
