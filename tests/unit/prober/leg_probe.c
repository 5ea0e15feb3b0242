/* SPDX-License-Identifier: MIT */
/* The monitor asks a leg what works: each such question is answered exactly once. */
#include "leg_rig.h"

static void test_probe_while_up(void **state)
{
	(void)state;
	leg_make(calm, NULL);
	up();
	expect(EVENT_LEG_UP, 0, T3OPS_R_NONE, 0);
	probe(clock_mono_us());
	assert_int_equal(pings, 1);
	pong();
	expect(EVENT_LEG_ALIVE, 0, T3OPS_R_NONE, PROBE);
	probe(clock_mono_us());
	down(T3OPS_STEP_OPEN, T3OPS_R_RESET, 0);
	expect(EVENT_LEG_DOWN, T3OPS_STEP_OPEN, T3OPS_R_RESET, PROBE);
	leg_done();
}

/* A heartbeat that was out before the drop proves nothing about the time after it. */
static void test_probe_discounts_an_older_heartbeat(void **state)
{
	(void)state;
	leg_make(brisk, NULL);
	up();
	expect(EVENT_LEG_UP, 0, T3OPS_R_NONE, 0);
	until(&pings, 1);
	while (clock_mono_us() <= leg->pinged_us)
		;
	probe(clock_mono_us());
	assert_int_equal(pings, 1);
	pong();
	assert_int_equal(n_reported, n_read);
	assert_int_equal(pings, 2);
	pong();
	expect(EVENT_LEG_ALIVE, 0, T3OPS_R_NONE, PROBE);
	leg_done();
}

static void test_probe_unanswered(void **state)
{
	const struct timing t = {NEVER, NEVER, NEVER, NEVER, 10 * MS};

	(void)state;
	leg_make(t, NULL);
	up();
	expect(EVENT_LEG_UP, 0, T3OPS_R_NONE, 0);
	probe(clock_mono_us());
	expect(EVENT_LEG_LATE, 0, T3OPS_R_NONE, PROBE);
	pong();
	expect(EVENT_LEG_ALIVE, 0, T3OPS_R_NONE, 0);
	leg_done();
}

/* Nothing is heard of it: it says nothing, however long that lasts. */
static void test_elsewhere_is_never_late(void **state)
{
	const struct timing t = {5 * MS, 20 * MS, 10 * MS, 5 * MS, 10 * MS};

	(void)state;
	instance.plugin.leg_flags = T3OPS_LEG_ELSEWHERE;
	leg_make(t, NULL);
	probe(clock_mono_us());
	let_pass(0.03);
	assert_int_equal(n_reported, 0);
	up();
	expect(EVENT_LEG_UP, 0, T3OPS_R_NONE, 0);
	until(&pings, 1);
	probe(clock_mono_us());
	let_pass(0.06);
	assert_int_equal(n_reported, n_read);
	instance.plugin.leg_flags = 0;
	leg_done();
}

/* A leg between attempts does not sit out its pause when it is asked. */
static void test_probe_while_paused(void **state)
{
	(void)state;
	leg_make(calm, NULL);
	down(T3OPS_STEP_DNS, T3OPS_R_DNS, 0);
	expect(EVENT_LEG_ATTEMPT, T3OPS_STEP_DNS, T3OPS_R_DNS, 0);
	until(&closes, 1);
	probe(clock_mono_us());
	until(&opens, 2);
	down(T3OPS_STEP_TLS, T3OPS_R_TLS, 0);
	expect(EVENT_LEG_ATTEMPT, T3OPS_STEP_TLS, T3OPS_R_TLS, PROBE);
	probe(clock_mono_us()); /* before the plugin was tidied up */
	until(&opens, 3);
	up();
	expect(EVENT_LEG_UP, 0, T3OPS_R_NONE, PROBE);
	leg_done();
}

/* One that is still at it says how far it came. */
static void test_probe_while_opening(void **state)
{
	static const struct {
		unsigned reached, step, reason;
	} rows[] = {
	    {0, T3OPS_STEP_DNS, T3OPS_R_DNS},
	    {T3OPS_STEP_CONNECT, T3OPS_STEP_CONNECT, T3OPS_R_CONNECT_TIMEOUT},
	    {T3OPS_STEP_TLS, T3OPS_STEP_TLS, T3OPS_R_CONNECT_TIMEOUT},
	    {T3OPS_STEP_HTTP, T3OPS_STEP_HTTP, T3OPS_R_HTTP_TIMEOUT},
	};
	const struct timing t = {NEVER, NEVER, NEVER, NEVER, 10 * MS};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		leg_make(t, NULL);
		host.leg_reached(&instance.ctx, leg, rows[i].reached);
		probe(clock_mono_us());
		expect(EVENT_LEG_ATTEMPT, rows[i].step, rows[i].reason, PROBE);
		up(); /* the attempt went on */
		expect(EVENT_LEG_UP, 0, T3OPS_R_NONE, 0);
		leg_done();
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_probe_while_up),     cmocka_unit_test(test_probe_discounts_an_older_heartbeat),
	    cmocka_unit_test(test_probe_unanswered),   cmocka_unit_test(test_elsewhere_is_never_late),
	    cmocka_unit_test(test_probe_while_paused), cmocka_unit_test(test_probe_while_opening),
	};

	return cmocka_run_group_tests(tests, leg_rig_setup, leg_rig_teardown);
}
