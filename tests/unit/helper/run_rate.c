/* SPDX-License-Identifier: MIT */
/* How often a process may have something started for a user. */
#include "helper/run_rate.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define MINUTE RUN_RATE_WINDOW_US

static void test_a_minute(void **state)
{
	struct run_rate r = {0};

	(void)state;
	for (int i = 0; i < 3; i++)
		assert_true(run_rate_passes(&r, PROCESS_PROXY, "alice", 3, 1000));
	assert_false(run_rate_passes(&r, PROCESS_PROXY, "alice", 3, 1000));
	assert_false(run_rate_passes(&r, PROCESS_PROXY, "alice", 3, 999 + MINUTE));
	assert_true(run_rate_passes(&r, PROCESS_PROXY, "alice", 3, 1000 + MINUTE));
	run_rate_fini(&r);
}

/* Neither another user's nor another process's. */
static void test_each_its_own(void **state)
{
	struct run_rate r = {0};

	(void)state;
	assert_true(run_rate_passes(&r, PROCESS_PROXY, "alice", 1, 1));
	assert_false(run_rate_passes(&r, PROCESS_PROXY, "alice", 1, 2));
	assert_true(run_rate_passes(&r, PROCESS_PROXY, "bob", 1, 3));
	assert_true(run_rate_passes(&r, PROCESS_PROBER, "alice", 1, 4));
	run_rate_fini(&r);
}

/* However long its name is. */
static void test_long_name(void **state)
{
	struct run_rate r = {0};
	char name[T3OPS_USER_NAME_SIZE] = "";

	(void)state;
	memset(name, 'a', sizeof name - 1);
	assert_true(run_rate_passes(&r, PROCESS_PROXY, name, 1, 1));
	assert_false(run_rate_passes(&r, PROCESS_PROXY, name, 1, 2));
	run_rate_fini(&r);
}

static void test_many_users(void **state)
{
	struct run_rate r = {0};
	char name[16];

	(void)state;
	for (int round = 0; round < 2; round++)
		for (int i = 0; i < 4096; i++) {
			snprintf(name, sizeof name, "u%d", i);
			assert_int_equal(run_rate_passes(&r, PROCESS_PROXY, name, 1, 5), round == 0);
		}
	assert_true(run_rate_passes(&r, PROCESS_PROXY, "u0", 1, 5 + MINUTE));
	assert_int_equal(r.n, 1);
	run_rate_fini(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_a_minute), cmocka_unit_test(test_each_its_own),
	                                   cmocka_unit_test(test_many_users), cmocka_unit_test(test_long_name)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
