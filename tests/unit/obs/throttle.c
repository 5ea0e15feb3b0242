/* SPDX-License-Identifier: MIT */
/* One of a kind a minute, whoever they are and however many. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "obs/throttle.h"

#define NOW (THROTTLE_US * 100)

static const char one[] = "one", two[] = "two";

/* The number left out, -1: it does not pass. */
static int64_t ask(struct throttle *h, const char *who, const char *what, uint64_t now_us)
{
	uint64_t left_out = 0;

	return throttle_passes(h, who, what, now_us, &left_out) ? (int64_t)left_out : -1;
}

static int setup(void **state)
{
	*state = calloc(1, sizeof(struct throttle));
	return 0;
}

static int teardown(void **state)
{
	free(*state);
	return 0;
}

static void test_one_a_minute_with_the_count_of_the_others(void **state)
{
	struct throttle *h = *state;

	assert_int_equal(ask(h, "a", one, NOW), 0);
	for (int i = 0; i < 1000; i++)
		assert_int_equal(ask(h, "a", one, NOW + THROTTLE_US - 1), -1);
	assert_int_equal(ask(h, "a", one, NOW + THROTTLE_US), 1000);
	assert_int_equal(ask(h, "a", one, NOW + THROTTLE_US + 1), -1);
	assert_int_equal(ask(h, "a", one, NOW + THROTTLE_US * 9), 1);
	assert_int_equal(ask(h, "a", one, NOW + THROTTLE_US * 99), 0);
}

static void test_kinds_do_not_throttle_each_other(void **state)
{
	struct throttle *h = *state;

	assert_int_equal(ask(h, "a", one, NOW), 0);
	assert_int_equal(ask(h, "a", two, NOW), 0);
	assert_int_equal(ask(h, "b", one, NOW), 0);
	assert_int_equal(ask(h, "", one, NOW), 0);
	assert_int_equal(ask(h, "a", one, NOW), -1);
	assert_int_equal(ask(h, "b", two, NOW), 0);
}

static void test_clock_may_begin_anywhere(void **state)
{
	assert_int_equal(ask(*state, "a", one, 1), 0);
	assert_int_equal(ask(*state, "a", one, 2), -1);
}

static void test_more_origins_than_places(void **state)
{
	struct throttle *h = *state;
	char who[64];
	int reported = 0;

	for (int i = 0; i < 100000; i++) {
		snprintf(who, sizeof who, "peer %d", i);
		reported += ask(h, who, one, NOW + (uint64_t)i) >= 0;
	}
	assert_int_equal(reported, THROTTLE_ROWS + 1);
	assert_int_equal(ask(h, "peer 1", one, NOW + THROTTLE_US), -1); /* it still has its place */
	assert_int_equal(ask(h, "late", one, NOW + THROTTLE_US / 2), -1);
	/* places are free again; the common one tells, too, once there is another crowd */
	reported = 0;
	for (int i = 0; i < 1000; i++) {
		snprintf(who, sizeof who, "other %d", i);
		reported += ask(h, who, one, NOW + THROTTLE_US * 3) >= 0;
	}
	assert_int_equal(reported, THROTTLE_ROWS + 1);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
	    TEST(test_one_a_minute_with_the_count_of_the_others),
	    TEST(test_kinds_do_not_throttle_each_other),
	    TEST(test_clock_may_begin_anywhere),
	    TEST(test_more_origins_than_places),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
