/* SPDX-License-Identifier: MIT */
/* How much longer each way takes than at best. */
#include "prober/leg_way.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define S(n)   (UINT64_C(1000000) * (n))
#define AHEAD  S(5000) /* the far end's clock */
#define SERVED 300     /* it has each for so long */

/* One sent then, which took so long out and back. */
static void beat(struct leg_way *w, uint64_t at_us, uint64_t out_us, uint64_t back_us, uint64_t want_out,
                 uint64_t want_back)
{
	struct leg_stamps s = {.sent_us = at_us, .received_us = at_us + out_us + AHEAD};
	uint64_t longer[WAYS];

	s.answered_us = s.received_us + SERVED;
	s.returned_us = s.answered_us - AHEAD + back_us;
	leg_way_take(w, &s, longer);
	assert_int_equal(longer[WAY_OUT], want_out);
	assert_int_equal(longer[WAY_BACK], want_back);
}

static void test_against_the_minimum(void **state)
{
	struct leg_way w = {.began_us = 0};

	(void)state;
	beat(&w, S(1), 5000, 7000, 0, 0); /* of the first one nothing is known */
	beat(&w, S(2), 9000, 7000, 4000, 0);
	beat(&w, S(3), 5000, 107000, 0, 100000);
	beat(&w, S(4), 4000, 7000, 0, 0); /* a new minimum */
	beat(&w, S(5), 5000, 7000, 1000, 0);
}

/* A path that became longer for good is the new measure after two minutes. */
static void test_what_is_forgotten(void **state)
{
	struct leg_way w = {.began_us = 0};

	(void)state;
	beat(&w, S(1), 5000, 5000, 0, 0);
	beat(&w, S(30), 8000, 5000, 3000, 0);
	beat(&w, S(70), 8000, 5000, 3000, 0); /* the minute before still counts */
	beat(&w, S(140), 8000, 5000, 0, 0);
	beat(&w, S(1000), 50000, 5000, 0, 0); /* and after a long pause nothing does */
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_against_the_minimum),
	                                   cmocka_unit_test(test_what_is_forgotten)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
