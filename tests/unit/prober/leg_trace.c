/* SPDX-License-Identifier: MIT */
/* How far a heartbeat got, and how long each part of its way took. */
#include "leg_rig.h"

#include "tbl/beat.h"

static void late_is_traced(bool acked, unsigned trace)
{
	const struct event *e;

	acknowledges = acked;
	leg->carrier = (struct t3ops_ws *)(void *)&acknowledges;
	until(&n_reported, n_read + 2);
	assert_int_equal(reported[n_read++].e.kind, EVENT_LEG_LATE);
	e = &reported[n_read++].e;
	assert_int_equal(e->kind, EVENT_LEG_TRACED);
	assert_int_equal(e->code, trace);
	assert_string_equal(e->text, beat_trace_sentence(trace));
}

static void test_traced(void **state)
{
	const struct timing t = {5 * MS, NEVER, 10 * MS, 5 * MS, NEVER};

	(void)state;
	leg_make(t, NULL);
	up();
	expect(EVENT_LEG_UP, 0, T3OPS_R_NONE, 0);
	late_is_traced(true, BEAT_ACKNOWLEDGED);
	pong();
	expect(EVENT_LEG_ALIVE, 0, T3OPS_R_NONE, 0);
	late_is_traced(false, BEAT_NOT_ACKNOWLEDGED);
	host.leg_beat(&instance.ctx, leg, T3OPS_BEAT_ANSWERED);
	assert_int_equal(reported[n_read++].e.code, BEAT_ANSWER_LOST);
	host.leg_beat(&instance.ctx, leg, T3OPS_BEAT_NOT_ARRIVED);
	assert_int_equal(reported[n_read++].e.code, BEAT_NOT_ARRIVED);
	host.leg_beat(&instance.ctx, leg, 99);
	assert_int_equal(n_reported, n_read);
	leg_done();
}

static void test_stamps(void **state)
{
	uint64_t sent_us = clock_mono_us() - 2000;

	(void)state;
	leg_make(calm, NULL);
	up();
	expect(EVENT_LEG_UP, 0, T3OPS_R_NONE, 0);
	host.leg_stamps(&instance.ctx, leg, sent_us, 70000, 69000); /* answered before it came */
	shown("t3ops_leg_residence_seconds", false);
	host.leg_stamps(&instance.ctx, leg, sent_us, 70000, 74000);
	shown("t3ops_leg_residence_seconds_bucket{leg=\"serve\",le=\"0.0025\"} 0\n", true);
	shown("t3ops_leg_residence_seconds_bucket{leg=\"serve\",le=\"0.005\"} 1\n", true);
	shown("t3ops_leg_way_variation_seconds_count{leg=\"serve\",way=\"out\"} 1\n", true);
	leg_done();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_traced),
	    cmocka_unit_test(test_stamps),
	};

	return cmocka_run_group_tests(tests, leg_rig_setup, leg_rig_teardown);
}
