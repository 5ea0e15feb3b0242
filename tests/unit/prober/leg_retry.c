/* SPDX-License-Identifier: MIT */
/* What makes a leg try again before its pause is over, and what its own success is to others. */
#include "leg_rig.h"

/* Its back-off is half an hour, its heartbeat is not. */
static void test_retry(void **state)
{
	const struct timing t = {5 * MS, NEVER, NEVER, NEVER, NEVER};

	(void)state;
	leg_make(t, NULL);
	for (int i = 1; i <= 3; i++) {
		leg_retry(leg); /* it is at it: nothing */
		down(T3OPS_STEP_CONNECT, T3OPS_R_REFUSED, 0);
		expect(EVENT_LEG_ATTEMPT, T3OPS_STEP_CONNECT, T3OPS_R_REFUSED, 0);
		until(&closes, i);
		ev_run(process.loop, EVRUN_NOWAIT);
		leg_retry(leg);
		until(&opens, i + 1);
	}
	up();
	expect(EVENT_LEG_UP, 0, T3OPS_R_NONE, 0);
	leg_retry(leg); /* it is up: nothing */
	assert_int_equal(opens, 4);
	leg_done();
}

static int signs;
static void on_up(const struct t3ops_leg *l)
{
	assert_ptr_equal(l, leg);
	signs++;
}

static void test_up_is_a_sign(void **state)
{
	(void)state;
	signs = 0;
	leg_make(calm, NULL);
	leg->on_up = on_up;
	up();
	expect(EVENT_LEG_UP, 0, T3OPS_R_NONE, 0);
	assert_int_equal(signs, 1);
	leg_done();
}

static void test_fresh_retry(void **state)
{
	const struct timing t = {5 * MS, NEVER, NEVER, NEVER, NEVER};

	(void)state;
	fresh_every = NEVER;
	leg_make(t, NULL);
	up();
	expect(EVENT_LEG_UP, 0, T3OPS_R_NONE, 0);
	leg_retry(leg); /* none has failed: nothing */
	leg_probe(leg, PROBE, clock_mono_us());
	until(&freshes, 1);
	fresh_down(T3OPS_STEP_CONNECT, T3OPS_R_REFUSED, 0);
	expect(EVENT_LEG_FRESH_FAILED, T3OPS_STEP_CONNECT, T3OPS_R_REFUSED, 0);
	leg_retry(leg);
	until(&freshes, 2);
	leg_done();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_retry),
	    cmocka_unit_test(test_up_is_a_sign),
	    cmocka_unit_test(test_fresh_retry),
	};

	return cmocka_run_group_tests(tests, leg_rig_setup, leg_rig_teardown);
}
