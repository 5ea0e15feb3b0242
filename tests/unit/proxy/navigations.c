/* SPDX-License-Identifier: MIT */
/* One navigation of a user in a tenth of a second, whoever else loads documents. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <stdio.h>
#include <cmocka.h>

#include "proxy/navigations.h"

#define NOW UINT64_C(1000000)

static void test_the_first_of_several(void **state)
{
	struct navigations n = {0};

	(void)state;
	assert_true(navigation_is_news(&n, "alice", NOW));
	assert_false(navigation_is_news(&n, "alice", NOW));
	assert_false(navigation_is_news(&n, "alice", NOW + NAVIGATION_AGAIN_US - 1));
	assert_true(navigation_is_news(&n, "alice", NOW + NAVIGATION_AGAIN_US));
	assert_false(navigation_is_news(&n, "alice", NOW + NAVIGATION_AGAIN_US + 1));
}

static void test_nobody_silences_another(void **state)
{
	struct navigations n = {0};
	char user[64];

	(void)state;
	for (int i = 0; i < 10 * NAVIGATION_ROWS; i++) {
		snprintf(user, sizeof user, "user %d", i);
		assert_true(navigation_is_news(&n, user, NOW));
	}
}

static void test_the_clock_may_begin_at_0(void **state)
{
	struct navigations n = {0};

	(void)state;
	assert_true(navigation_is_news(&n, "alice", 0));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_the_first_of_several),
	    cmocka_unit_test(test_nobody_silences_another),
	    cmocka_unit_test(test_the_clock_may_begin_at_0),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
