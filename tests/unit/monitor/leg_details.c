/* SPDX-License-Identifier: MIT */
/* Why each leg is down, as long as it is. */
#include "monitor/leg_details.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "ipc/message.h"

#define LEGS 1000

static void happen(struct leg_details *d, enum event_kind kind, const char *leg, const char *user, const char *text)
{
	struct event e;

	event_init(&e, kind, PROCESS_PROBER);
	event_set(e.plugin, leg);
	event_set(e.user, user);
	event_set(e.text, text);
	leg_details_event(d, &e);
}

static void test_the_latest_counts(void **state)
{
	struct leg_details d = {.n = 0};

	(void)state;
	assert_string_equal(leg_details_get(&d, "wan", ""), "");
	happen(&d, EVENT_LEG_UP, "wan", "", "");
	happen(&d, EVENT_LEG_DOWN, "wan", "", "going away");
	assert_string_equal(leg_details_get(&d, "wan", ""), "going away");
	happen(&d, EVENT_LEG_ATTEMPT, "wan", "", "Connection refused");
	assert_string_equal(leg_details_get(&d, "wan", ""), "Connection refused");
	assert_string_equal(leg_details_get(&d, "wan", "alice"), "");
	happen(&d, EVENT_LEG_ALIVE, "wan", "", "");
	assert_string_equal(leg_details_get(&d, "wan", ""), "Connection refused");
	happen(&d, EVENT_LEG_ATTEMPT, "wan", "", "");
	assert_string_equal(leg_details_get(&d, "wan", ""), "");
	leg_details_fini(&d);
}

static void test_whatever_ends_it_forgets_it(void **state)
{
	static const enum event_kind ends[] = {EVENT_LEG_UP, EVENT_LEG_ABSENT, EVENT_LEG_GONE};
	struct leg_details d = {.n = 0};

	(void)state;
	for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
		happen(&d, EVENT_LEG_ATTEMPT, "serve", "alice", "no such file");
		happen(&d, ends[i], "serve", "bob", "");
		assert_string_equal(leg_details_get(&d, "serve", "alice"), "no such file");
		happen(&d, ends[i], "serve", "alice", "");
		assert_string_equal(leg_details_get(&d, "serve", "alice"), "");
		assert_int_equal(d.n, 0);
	}
	leg_details_fini(&d);
}

static void test_many(void **state)
{
	struct leg_details d = {.n = 0};
	char user[32];

	(void)state;
	for (int i = 0; i < 2 * LEGS; i++) {
		snprintf(user, sizeof user, "user%d", i % LEGS);
		happen(&d, EVENT_LEG_ATTEMPT, "serve", user, user);
	}
	assert_int_equal(d.n, LEGS);
	for (int i = 0; i < LEGS; i++) {
		snprintf(user, sizeof user, "user%d", i);
		assert_string_equal(leg_details_get(&d, "serve", user), user);
		happen(&d, EVENT_LEG_UP, "serve", user, "");
	}
	assert_int_equal(d.n, 0);
	leg_details_fini(&d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_the_latest_counts),
	    cmocka_unit_test(test_whatever_ends_it_forgets_it),
	    cmocka_unit_test(test_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
