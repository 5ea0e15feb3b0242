/* SPDX-License-Identifier: MIT */
/* Spans of legs and users, of events that begin in the middle of their story. */
#include "monitor/site_lanes.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define FROM  10000
#define UNTIL 20000

static const char *const kinds[] = {
    [SITE_UP] = "up", [SITE_LATE] = "late", [SITE_DOWN] = "down", [SITE_CONNECTED] = "on", [SITE_DROP] = "drop"};

/* "up 10000-11000, down 11000-12000" */
static void describe(const struct site_lane *lane, char *out, size_t size)
{
	size_t len = 0;

	out[0] = '\0';
	for (size_t i = 0; i < lane->n; i++)
		len += (size_t)snprintf(out + len, size - len, "%s%s %llu-%llu", i > 0 ? ", " : "",
		                        kinds[lane->spans[i].kind], (unsigned long long)lane->spans[i].from_us,
		                        (unsigned long long)lane->spans[i].until_us);
}

static void give(struct site_lanes *l, void (*take)(struct site_lanes *l, const struct site_event *e),
                 const char *kind, uint64_t at_us, uint64_t tunnel)
{
	struct site_event e = {.time_us = at_us, .tunnel = tunnel, .kind = kind, .name = "x"};

	take(l, &e);
}

static void is(struct site_lanes *l, const char *expected)
{
	char text[400];

	site_lanes_end(l);
	assert_int_equal(l->n, 1);
	describe(&l->rows[0], text, sizeof text);
	assert_string_equal(text, expected);
	site_lanes_fini(l);
	*l = (struct site_lanes){.from_us = FROM, .until_us = UNTIL};
}

static void test_legs(void **state)
{
	struct site_lanes l = {.from_us = FROM, .until_us = UNTIL};

	(void)state;
	site_lanes_leg_now(&l, "x", SITE_UP, 500);
	is(&l, "up 10000-20000");
	site_lanes_leg_now(&l, "x", SITE_DOWN, 15000);
	is(&l, "down 15000-20000");
	give(&l, site_lanes_leg, "leg_down", 12000, 0); /* so it was up */
	give(&l, site_lanes_leg, "leg_up", 13000, 0);
	site_lanes_leg_now(&l, "x", SITE_UP, 13000);
	is(&l, "up 10000-12000, down 12000-13000, up 13000-20000");
	give(&l, site_lanes_leg, "leg_up", 12000, 0); /* what was before is not known */
	give(&l, site_lanes_leg, "leg_late", 14000, 0);
	give(&l, site_lanes_leg, "leg_removed", 16000, 0);
	is(&l, "up 12000-14000, late 14000-16000");
	give(&l, site_lanes_leg, "leg_up", 12000, 0);
	site_lanes_leg_now(&l, "x", SITE_DOWN, 17000); /* the journal lacks it */
	is(&l, "up 12000-17000, down 17000-20000");
}

static void test_users(void **state)
{
	struct site_lanes l = {.from_us = FROM, .until_us = UNTIL};

	(void)state;
	give(&l, site_lanes_user, "tunnel_opened", 11000, 1);
	give(&l, site_lanes_user, "tunnel_opened", 12000, 2);
	give(&l, site_lanes_user, "tunnel_closed", 13000, 1);
	give(&l, site_lanes_user, "tunnel_closed", 14000, 2);
	is(&l, "on 11000-14000");
	give(&l, site_lanes_user, "tunnel_closed", 13000, 7); /* opened before */
	give(&l, site_lanes_user, "tunnel_dropped", 13100, 7);
	is(&l, "on 10000-13000, drop 13100-13100");
	give(&l, site_lanes_user, "tunnel_opened", 11000, 1); /* nobody knows until when */
	give(&l, site_lanes_user, "tunnel_dropped", 15000, 9);
	is(&l, "drop 15000-15000");
	give(&l, site_lanes_user, "tunnel_opened", 11000, 1);
	site_lanes_user_now(&l, "x", 10500);
	is(&l, "on 11000-20000");
	site_lanes_user_now(&l, "x", 5);
	is(&l, "on 10000-20000");
	l.drops_only = true;
	give(&l, site_lanes_user, "tunnel_dropped", 15000, 9);
	is(&l, "drop 15000-15000");
}

/* However often a page comes and goes, a drawing stays small. */
static void test_what_lies_together_is_one(void **state)
{
	struct site_lanes l = {.from_us = 0, .until_us = 1500000000};

	(void)state;
	for (uint64_t i = 0; i < 100000; i++) {
		give(&l, site_lanes_user, "tunnel_opened", i * 1000, i);
		give(&l, site_lanes_user, "tunnel_closed", i * 1000 + 500, i);
	}
	site_lanes_end(&l);
	assert_in_range(l.rows[0].n, 1, 2);
	site_lanes_fini(&l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_legs), cmocka_unit_test(test_users),
	                                   cmocka_unit_test(test_what_lies_together_is_one)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
