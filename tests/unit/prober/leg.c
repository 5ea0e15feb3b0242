/* SPDX-License-Identifier: MIT */
/* The life of one leg: attempts, heartbeats, and the ends of both. */
#include "leg_rig.h"

static void test_heartbeats(void **state)
{
	(void)state;
	leg_make(brisk, NULL);
	up();
	expect(EVENT_LEG_UP, 0, T3OPS_R_NONE, 0);
	for (int i = 1; i <= 3; i++) {
		until(&pings, i);
		pong();
		assert_int_equal(expect(EVENT_LEG_ALIVE, 0, T3OPS_R_NONE, 0)->rtt_us, 1234);
		assert_true(reported[n_read - 1].quiet);
		pong(); /* one more than was asked for: nothing */
	}
	up(); /* established already: nothing */
	leg_done();
}

/* Not one more in a turn of the loop that has been long already. */
static void test_attempts_wait_for_the_next_turn(void **state)
{
	(void)state;
	leg_make(brisk, NULL);
	down(T3OPS_STEP_HTTP, T3OPS_R_HTTP_STATUS, 503);
	expect(EVENT_LEG_ATTEMPT, T3OPS_STEP_HTTP, T3OPS_R_HTTP_STATUS, 0);
	process.turn.is_long = true;
	let_pass(.05);
	assert_int_equal(opens, 1);
	process.turn.is_long = false;
	until(&opens, 2);
	leg_done();
}

static void test_watchdog(void **state)
{
	const struct timing t = {5 * MS, 700 * MS, 10 * MS, 5 * MS, NEVER};

	(void)state;
	leg_make(t, NULL);
	up();
	expect(EVENT_LEG_UP, 0, T3OPS_R_NONE, 0);
	expect(EVENT_LEG_LATE, 0, T3OPS_R_NONE, 0);
	expect(EVENT_LEG_DOWN, T3OPS_STEP_OPEN, T3OPS_R_HEARTBEAT_TIMEOUT, 0);
	assert_int_equal(pings, 1); /* no second heartbeat while one is out */
	pong();                     /* too late */
	down(T3OPS_STEP_OPEN, T3OPS_R_EOF, 0);
	until(&opens, 2);
	assert_int_equal(closes, 1);
	leg_done();
}

static void test_late_and_back(void **state)
{
	const struct timing t = {5 * MS, NEVER, 10 * MS, 5 * MS, NEVER};

	(void)state;
	leg_make(t, NULL);
	up();
	expect(EVENT_LEG_UP, 0, T3OPS_R_NONE, 0);
	for (int i = 0; i < 2; i++) {
		expect(EVENT_LEG_LATE, 0, T3OPS_R_NONE, 0);
		pong();
		expect(EVENT_LEG_ALIVE, 0, T3OPS_R_NONE, 0);
	}
	leg_done();
}

/* A failed attempt is logged if it failed in another way than the one before, else it is evidence only. */
static void test_attempts(void **state)
{
	(void)state;
	leg_make(brisk, NULL);
	down(T3OPS_STEP_HTTP, T3OPS_R_HTTP_STATUS, 503);
	assert_int_equal(expect(EVENT_LEG_ATTEMPT, T3OPS_STEP_HTTP, T3OPS_R_HTTP_STATUS, 0)->code, 503);
	assert_false(reported[0].quiet);
	assert_int_equal(closes, 0);
	fails_inside = true;
	for (int i = 1; i <= 3; i++) {
		until(&opens, 1 + i);
		assert_string_equal(expect(EVENT_LEG_ATTEMPT, T3OPS_STEP_CONNECT, T3OPS_R_REFUSED, 0)->text,
		                    "said so");
		assert_int_equal(reported[i].quiet, i > 1);
	}
	fails_inside = false;
	until(&opens, 5);
	up();
	expect(EVENT_LEG_UP, 0, T3OPS_R_NONE, 0);
	down(T3OPS_STEP_OPEN, T3OPS_R_CLOSED, 1006);
	assert_int_equal(expect(EVENT_LEG_DOWN, T3OPS_STEP_OPEN, T3OPS_R_CLOSED, 0)->code, 1006);
	leg_done();
}

/* As if it had been up for longer than such a pause. */
static void age(void)
{
	leg->up_us -= NEVER;
}

/* Without resolver segments there is no name to look up, whatever the plugin says. */
static void test_no_lookup_no_dns(void **state)
{
	(void)state;
	leg_make(calm, NULL);
	leg->looks_up = false;
	down(T3OPS_STEP_DNS, T3OPS_R_DNS, 0);
	expect(EVENT_LEG_ATTEMPT, T3OPS_STEP_CONNECT, T3OPS_R_UNREACHABLE, 0);
	leg_done();
	leg_make(calm, NULL);
	down(T3OPS_STEP_DNS, T3OPS_R_DNS, 0);
	expect(EVENT_LEG_ATTEMPT, T3OPS_STEP_DNS, T3OPS_R_DNS, 0);
	leg_done();
}

/* The name leads elsewhere now: nobody is at fault, and it is back at once, whatever the back-off. */
static void test_moved(void **state)
{
	(void)state;
	leg_make(calm, NULL);
	up();
	expect(EVENT_LEG_UP, 0, T3OPS_R_NONE, 0);
	age();
	down(T3OPS_STEP_OPEN, T3OPS_R_ADDRESS_CHANGED, 0);
	expect(EVENT_LEG_DOWN, T3OPS_STEP_OPEN, T3OPS_R_ADDRESS_CHANGED, 0);
	until(&opens, 2);
	leg_done();
}

/* One that sends the leg away as soon as it is there is left alone for a while. */
static void test_sent_away(void **state)
{
	(void)state;
	leg_make(calm, NULL);
	up();
	expect(EVENT_LEG_UP, 0, T3OPS_R_NONE, 0);
	down(T3OPS_STEP_OPEN, T3OPS_R_CLOSED, CODE_RESTART);
	until(&closes, 1);
	assert_true(ev_timer_remaining(process.loop, &leg->next) > 60.);
	leg_done();
}

/* A far end that is replaced: nothing is reported until the next attempt shows whether it is back. */
static void test_replaced(void **state)
{
	(void)state;
	leg_make(calm, NULL);
	up();
	expect(EVENT_LEG_UP, 0, T3OPS_R_NONE, 0);
	age();
	down(T3OPS_STEP_OPEN, T3OPS_R_CLOSED, CODE_RESTART);
	until(&opens, 2);
	up();
	expect(EVENT_LEG_UP, 0, T3OPS_R_NONE, 0);
	age();
	down(T3OPS_STEP_OPEN, T3OPS_R_CLOSED, CODE_RESTART);
	until(&opens, 3);
	down(T3OPS_STEP_CONNECT, T3OPS_R_REFUSED, 0);
	expect(EVENT_LEG_DOWN, T3OPS_STEP_CONNECT, T3OPS_R_REFUSED, 0);
	leg_done();
}

/* Every lookup is evidence, a change is news. */
static void test_resolver(void **state)
{
	static const bool answers[] = {true, true, false, false, true, true},
	                  quiet[] = {true, true, false, true, false, true};

	(void)state;
	leg_make(calm, NULL);
	for (int i = 0; i < 6; i++) {
		host.leg_resolver(&instance.ctx, leg, answers[i], answers[i] ? "" : "it said nothing");
		expect(EVENT_LEG_RESOLVER, 0, answers[i] ? T3OPS_R_NONE : T3OPS_R_DNS, 0);
		assert_string_equal(reported[i].e.text, answers[i] ? "" : "it said nothing");
		assert_int_equal(reported[i].quiet, quiet[i]);
	}
	leg_done();
}

/* What would be judged wrongly if the prober stood still. */
static void test_asks(void **state)
{
	(void)state;
	fresh_every = NEVER;
	leg_make(calm, NULL);
	assert_true(leg_asks(leg));
	up();
	expect(EVENT_LEG_UP, 0, T3OPS_R_NONE, 0);
	assert_false(leg_asks(leg));
	probe(clock_mono_us());
	assert_true(leg_asks(leg));
	pong();
	expect(EVENT_LEG_ALIVE, 0, T3OPS_R_NONE, PROBE);
	until(&freshes, 1);
	assert_true(leg_asks(leg));
	fresh_up();
	expect(EVENT_LEG_FRESH, 0, T3OPS_R_NONE, 0);
	assert_false(leg_asks(leg));
	down(T3OPS_STEP_OPEN, T3OPS_R_EOF, 0);
	expect(EVENT_LEG_DOWN, T3OPS_STEP_OPEN, T3OPS_R_EOF, 0);
	until(&closes, 1);
	assert_false(leg_asks(leg)); /* it waits for its own pause */
	leg_done();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_attempts_wait_for_the_next_turn),
	    cmocka_unit_test(test_heartbeats),
	    cmocka_unit_test(test_watchdog),
	    cmocka_unit_test(test_late_and_back),
	    cmocka_unit_test(test_attempts),
	    cmocka_unit_test(test_no_lookup_no_dns),
	    cmocka_unit_test(test_moved),
	    cmocka_unit_test(test_sent_away),
	    cmocka_unit_test(test_replaced),
	    cmocka_unit_test(test_resolver),
	    cmocka_unit_test(test_asks),
	};

	return cmocka_run_group_tests(tests, leg_rig_setup, leg_rig_teardown);
}
