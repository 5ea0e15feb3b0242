/* SPDX-License-Identifier: MIT */
/* Fresh connections beside a leg, and the large messages on them. */
#include "leg_rig.h"

static void fresh_make(struct timing t)
{
	leg_make(t, NULL);
	up();
	expect(EVENT_LEG_UP, 0, T3OPS_R_NONE, 0);
}

static void test_fresh_at_an_interval(void **state)
{
	(void)state;
	fresh_every = 5 * MS;
	fresh_make(calm);
	for (int i = 1; i <= 3; i++) {
		until(&freshes, i);
		fresh_up();
		expect(EVENT_LEG_FRESH, 0, T3OPS_R_NONE, 0);
		assert_true(reported[n_read - 1].quiet);
		fresh_up(); /* none is running: nothing */
		fresh_down(T3OPS_STEP_OPEN, T3OPS_R_EOF, 0);
	}
	leg_done();
}

static void test_fresh_is_off(void **state)
{
	(void)state;
	fresh_make(brisk);
	until(&pings, 1);
	pong();
	expect(EVENT_LEG_ALIVE, 0, T3OPS_R_NONE, 0);
	until(&pings, 2);
	assert_int_equal(freshes, 0);
	leg_done();
}

/* One failure may be anything; the second one is news, a third like it is not, and neither is what ends it. */
static void test_fresh_fails(void **state)
{
	const struct timing t = {NEVER, NEVER, NEVER, 5 * MS, NEVER};

	(void)state;
	fresh_every = 5 * MS;
	fresh_make(t);
	for (int i = 1; i <= 3; i++) {
		until(&freshes, i);
		fresh_down(T3OPS_STEP_HTTP, T3OPS_R_HTTP_STATUS, 530);
		if (i == 1)
			continue;
		assert_int_equal(expect(EVENT_LEG_FRESH_FAILED, T3OPS_STEP_HTTP, T3OPS_R_HTTP_STATUS, 0)->code, 530);
		assert_int_equal(reported[n_read - 1].quiet, i > 2);
	}
	until(&freshes, 4);
	fresh_up();
	expect(EVENT_LEG_FRESH, 0, T3OPS_R_NONE, 0);
	assert_false(reported[n_read - 1].quiet);
	shown("t3ops_leg_fresh_connected{leg=\"serve\"} 1\n", true);
	shown("t3ops_leg_fresh_failures_total{leg=\"serve\",reason=\"http_status\"} 3\n", true);
	leg_done();
}

/* A far end that is being replaced, or our own trouble, says nothing; it is tried again. */
static void test_fresh_inconclusive(void **state)
{
	const struct timing t = {NEVER, NEVER, NEVER, 5 * MS, NEVER};

	(void)state;
	fresh_every = 5 * MS;
	fresh_make(t);
	until(&freshes, 1);
	fresh_down(T3OPS_STEP_OPEN, T3OPS_R_CLOSED, CODE_RESTART);
	until(&freshes, 2);
	fresh_down(T3OPS_STEP_CONNECT, T3OPS_R_LOCAL, 0);
	until(&freshes, 3);
	fresh_up();
	expect(EVENT_LEG_FRESH, 0, T3OPS_R_NONE, 0);
	leg_done();
}

/* A missing heartbeat asks for one at once, whose one failure counts; how far it came is told soon. */
static void test_fresh_when_late(void **state)
{
	const struct timing t = {5 * MS, NEVER, 10 * MS, NEVER, 30 * MS};
	const struct event *e;
	uint64_t before_us;

	(void)state;
	fresh_every = NEVER;
	fresh_make(t);
	expect(EVENT_LEG_LATE, 0, T3OPS_R_NONE, 0);
	until(&freshes, 1);
	before_us = clock_mono_us();
	host.leg_reached(&instance.ctx, leg, T3OPS_STEP_HTTP);
	e = expect(EVENT_LEG_FRESH_FAILED, T3OPS_STEP_HTTP, T3OPS_R_HTTP_TIMEOUT, 0);
	assert_true(e->rtt_us > 0 && e->rtt_us <= clock_mono_us() - before_us);
	fresh_down(T3OPS_STEP_HTTP, T3OPS_R_HTTP_STATUS, 502);
	expect(EVENT_LEG_FRESH_FAILED, T3OPS_STEP_HTTP, T3OPS_R_HTTP_STATUS, 0);
	leg_done();
}

/* So does the monitor's probe, unless one was begun since. */
static void test_fresh_when_asked(void **state)
{
	uint64_t since_us;

	(void)state;
	fresh_every = NEVER;
	fresh_make(calm);
	since_us = clock_mono_us();
	probe(since_us);
	pong();
	expect(EVENT_LEG_ALIVE, 0, T3OPS_R_NONE, PROBE);
	until(&freshes, 1);
	probe(since_us); /* the one that runs will do */
	pong();
	expect(EVENT_LEG_ALIVE, 0, T3OPS_R_NONE, PROBE);
	probe(clock_mono_us()); /* this one will not */
	pong();
	expect(EVENT_LEG_ALIVE, 0, T3OPS_R_NONE, PROBE);
	fresh_down(T3OPS_STEP_CONNECT, T3OPS_R_REFUSED, 0);
	expect(EVENT_LEG_FRESH_FAILED, T3OPS_STEP_CONNECT, T3OPS_R_REFUSED, 0);
	until(&freshes, 2);
	down(T3OPS_STEP_OPEN, T3OPS_R_EOF, 0); /* the leg ends: whatever comes of it is nothing */
	expect(EVENT_LEG_DOWN, T3OPS_STEP_OPEN, T3OPS_R_EOF, 0);
	fresh_up();
	until(&closes, 1);
	leg_done();
}

static void large(uint32_t fate)
{
	host.leg_large(&instance.ctx, leg, fate, 2500);
}

/* One that is lost may be anything; the second one is news, and what ends it. */
static void test_large(void **state)
{
	(void)state;
	fresh_every = NEVER;
	fresh_make(calm);
	large(T3OPS_LARGE_ANSWERED);
	expect(EVENT_LEG_LARGE, 0, T3OPS_R_NONE, 0);
	assert_true(reported[n_read - 1].quiet);
	large(T3OPS_LARGE_LOST_OUT);
	for (int i = 0; i < 2; i++) {
		large(i == 0 ? T3OPS_LARGE_LOST_BACK : T3OPS_LARGE_LOST_OUT);
		assert_string_equal(expect(EVENT_LEG_LARGE_LOST, 0, T3OPS_R_LARGE_LOST, 0)->text,
		                    i == 0 ? "lost on the way back" : "lost on the way there");
		assert_int_equal(reported[n_read - 1].quiet, i > 0);
	}
	shown("t3ops_leg_large_answered{leg=\"serve\"} 0\n", true);
	shown("t3ops_leg_large_lost_total{leg=\"serve\",way=\"out\"} 2\n", true);
	large(T3OPS_LARGE_ANSWERED);
	assert_int_equal(expect(EVENT_LEG_LARGE, 0, T3OPS_R_NONE, 0)->age_us, 2500);
	assert_false(reported[n_read - 1].quiet);
	leg_done();
}

/* One on a connection that was asked for counts at once. */
static void test_large_when_asked(void **state)
{
	(void)state;
	fresh_every = NEVER;
	fresh_make(calm);
	probe(clock_mono_us());
	pong();
	expect(EVENT_LEG_ALIVE, 0, T3OPS_R_NONE, PROBE);
	until(&freshes, 1);
	assert_true(thorough);
	fresh_up();
	expect(EVENT_LEG_FRESH, 0, T3OPS_R_NONE, 0);
	large(T3OPS_LARGE_LOST_OUT);
	expect(EVENT_LEG_LARGE_LOST, 0, T3OPS_R_LARGE_LOST, 0);
	leg_done();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_fresh_at_an_interval),
	    cmocka_unit_test(test_fresh_is_off),
	    cmocka_unit_test(test_fresh_fails),
	    cmocka_unit_test(test_fresh_inconclusive),
	    cmocka_unit_test(test_fresh_when_late),
	    cmocka_unit_test(test_fresh_when_asked),
	    cmocka_unit_test(test_large),
	    cmocka_unit_test(test_large_when_asked),
	};

	return cmocka_run_group_tests(tests, leg_rig_setup, leg_rig_teardown);
}
