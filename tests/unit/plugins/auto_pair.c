/* SPDX-License-Identifier: MIT */
/* Sessions that are given again to the browser they were made for. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "auto_pair/fresh.h"

static const struct t3ops_browser *browser(const char *agent)
{
	static struct t3ops_browser b;

	b = (struct t3ops_browser){.struct_size = sizeof b, .address = "192.0.2.1"};
	snprintf(b.user_agent, sizeof b.user_agent, "%s", agent);
	snprintf(b.path, sizeof b.path, "/%d", rand());
	return &b;
}

static void fresh_sessions_are_given_again(void **state)
{
	struct fresh_list list = LIST_HEAD_INITIALIZER(list);

	(void)state;
	assert_null(fresh_find(&list, browser("firefox"), 0));
	fresh_add(&list, browser("firefox"), "s=1; Path=/", 1000);
	fresh_add(&list, browser("chrome"), "s=2; Path=/", 2000);
	assert_string_equal(fresh_find(&list, browser("firefox"), 3000), "s=1; Path=/");
	assert_string_equal(fresh_find(&list, browser("chrome"), 3000), "s=2; Path=/");
	assert_null(fresh_find(&list, browser("safari"), 3000));
	fresh_add(&list, browser("firefox"), "s=3", 4000); /* the newest counts */
	assert_string_equal(fresh_find(&list, browser("firefox"), 5000), "s=3");
	assert_null(fresh_find(&list, browser("chrome"), 2001 + FRESH_US));
	assert_string_equal(fresh_find(&list, browser("firefox"), 4000 + FRESH_US), "s=3");
	assert_null(fresh_find(&list, browser("firefox"), 4001 + FRESH_US));
	assert_true(LIST_EMPTY(&list));
}

/* One that a request brings and that is dead all the same is not given again. */
static void dead_sessions_are_not_given(void **state)
{
	struct fresh_list list = LIST_HEAD_INITIALIZER(list);
	char name[8] = "b0";

	(void)state;
	fresh_add(&list, browser("firefox"), "s=1; Path=/", 1000);
	fresh_add(&list, browser("chrome"), "s=2; Path=/", 1000);
	assert_false(fresh_die(&list, "a=b; s=1", 1000)); /* wiped, perhaps */
	assert_false(fresh_die(&list, "a=b; s=2", 1000)); /* another browser's */
	assert_false(fresh_die(&list, "a=b; s=3", 1000));
	fresh_add(&list, browser("firefox"), "s=4; Path=/", 2000);
	assert_true(fresh_die(&list, "a=b; s=4", 2000)); /* the second one of that browser */
	assert_true(fresh_die(&list, "a=b; s=1", 2000));
	assert_false(fresh_die(&list, "a=b; s=1", 1001 + FRESH_US));
	fresh_clear(&list);
	fresh_add(&list, browser("firefox"), "s=1; Path=/", 1000);
	fresh_add(&list, browser("chrome"), "s=2; Path=/", 1000);
	fresh_die(&list, "a=b; s=1", 1000);
	assert_null(fresh_find(&list, browser("firefox"), 1000));
	assert_non_null(fresh_find(&list, browser("chrome"), 1000));
	for (int i = 0; i < 100; i++, name[1] = (char)('0' + i % 60))
		fresh_add(&list, browser(name), "s=9", 1000);
	assert_null(fresh_find(&list, browser("chrome"), 1000)); /* their number is bounded */
	fresh_clear(&list);
	assert_true(LIST_EMPTY(&list));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(fresh_sessions_are_given_again),
	    cmocka_unit_test(dead_sessions_are_not_given),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
