/* SPDX-License-Identifier: MIT */
/* So many rows of one user at once, so many in the long run, and nobody pays for another. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "monitor/journal_cap.h"

#define S      UINT64_C(1000000)
#define NOW    (100 * S)
#define ROW_US (60 * S / CAP_PER_MINUTE)

static int setup(void **state)
{
	*state = calloc(1, sizeof(struct journal_cap));
	return *state ? 0 : -1;
}

static int teardown(void **state)
{
	journal_cap_fini(*state);
	free(*state);
	return 0;
}

/* How many of n rows at that moment pass. */
static int add(struct journal_cap *cap, const char *user, int n, uint64_t now_us, uint64_t *reported)
{
	int passed = 0;
	uint64_t report;

	*reported = 0;
	for (int i = 0; i < n; i++) {
		const char *whose = user;

		passed += journal_cap_passes(cap, &whose, now_us, &report);
		*reported += report;
	}
	return passed;
}

static void test_a_burst_and_then_a_few_a_minute(void **state)
{
	uint64_t reported;

	assert_int_equal(add(*state, "alice", CAP_BURST, NOW, &reported), CAP_BURST);
	assert_int_equal(reported, 0);
	assert_int_equal(add(*state, "alice", 100, NOW, &reported), 0);
	assert_int_equal(reported, 1); /* at the first */
	assert_int_equal(add(*state, "alice", 100, NOW + ROW_US - 1, &reported), 0);
	assert_int_equal(add(*state, "alice", 100, NOW + ROW_US, &reported), 1);
	assert_int_equal(add(*state, "alice", 100, NOW + 60 * S, &reported), CAP_PER_MINUTE - 1);
	assert_true(reported > 200); /* those since the first */
	assert_int_equal(add(*state, "alice", 1000, NOW + 10000 * S, &reported), CAP_BURST);
}

static void test_what_was_left_out_is_reported_in_the_end(void **state)
{
	uint64_t reported, sum = 0;

	add(*state, "alice", CAP_BURST + 500, NOW, &reported);
	sum += reported;
	assert_int_equal(add(*state, "alice", 1, NOW + 3600 * S, &reported), 1);
	assert_int_equal(sum + reported, 500);
	assert_int_equal(add(*state, "alice", 1, NOW + 7200 * S, &reported), 1);
	assert_int_equal(reported, 0);
}

static void test_nobody_pays_for_another(void **state)
{
	struct journal_cap *cap = *state;
	char user[64];
	uint64_t reported;

	add(cap, "flapping", 100000, NOW, &reported);
	for (int i = 0; i < 5000; i++) {
		snprintf(user, sizeof user, "user %d", i);
		assert_int_equal(add(cap, user, 1, NOW + (uint64_t)i, &reported), 1);
	}
}

/* A proxy that went wild invents a user for every row. */
static void test_all_together(void **state)
{
	struct journal_cap *cap = *state;
	char name[64];
	const char *user;
	uint64_t report, reports = 0;
	int passed = 0;

	for (int i = 0; i < 100000; i++) {
		snprintf(name, sizeof name, "user %d", i);
		user = name;
		passed += journal_cap_passes(cap, &user, NOW + (uint64_t)i, &report);
		reports += report > 0;
		if (report > 0)
			assert_string_equal(user, "");
	}
	assert_in_range(passed, CAP_ALL * CAP_BURST, CAP_ALL * CAP_BURST + 2);
	assert_int_equal(reports, 1);
	user = "alice";
	assert_false(journal_cap_passes(cap, &user, NOW + S / 10, &report));
	assert_int_equal(add(cap, "alice", 100, NOW + 3600 * S, &reports), 100);
}

static void test_those_who_had_none_for_long_take_no_memory(void **state)
{
	struct journal_cap *cap = *state;
	char user[64];
	uint64_t reported;

	for (int i = 0; i < 5000; i++) {
		snprintf(user, sizeof user, "user %d", i);
		add(cap, user, 1, NOW, &reported);
	}
	assert_int_equal(cap->n, 5000);
	add(cap, "alice", 2 * CAP_BUCKETS, NOW + 60 * S, &reported);
	assert_int_equal(cap->n, 1);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
	    TEST(test_a_burst_and_then_a_few_a_minute),
	    TEST(test_what_was_left_out_is_reported_in_the_end),
	    TEST(test_nobody_pays_for_another),
	    TEST(test_all_together),
	    TEST(test_those_who_had_none_for_long_take_no_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
