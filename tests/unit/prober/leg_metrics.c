/* SPDX-License-Identifier: MIT */
/* The series of a leg, from its birth to its end. */
#include "leg_rig.h"

#include <stdio.h>

static void test_user_and_metrics(void **state)
{
	const struct user alice = {.name = "alice", .host = "127.0.0.1", .port = 4101};

	(void)state;
	leg_make(calm, &alice);
	assert_string_equal(host.leg_user(&instance.ctx, leg)->name, "alice");
	shown("t3probe_connected{leg=\"serve\",user=\"alice\"} 0\n", true);
	up();
	assert_string_equal(expect(EVENT_LEG_UP, 0, T3OPS_R_NONE, 0)->user, "alice");
	shown("t3probe_connected{leg=\"serve\",user=\"alice\"} 1\n", true);
	shown("t3ops_leg_connected{leg=\"serve\",user=\"alice\"} 1\n", true);
	probe(0);
	pong();
	expect(EVENT_LEG_ALIVE, 0, T3OPS_R_NONE, PROBE);
	shown("t3probe_rtt_seconds_count{leg=\"serve\",user=\"alice\"} 1\n", true);
	down(T3OPS_STEP_OPEN, T3OPS_R_EOF, 0);
	expect(EVENT_LEG_DOWN, T3OPS_STEP_OPEN, T3OPS_R_EOF, 0);
	shown("t3probe_connected{leg=\"serve\",user=\"alice\"} 0\n", true);
	shown("t3probe_disconnects_total{leg=\"serve\",user=\"alice\",reason=\"eof\"} 1\n", true);
	shown("t3probe_last_disconnect_timestamp{leg=\"serve\",user=\"alice\"} 0\n", false);
	leg_free(leg, true);
	expect(EVENT_LEG_GONE, 0, T3OPS_R_NONE, 0);
	assert_int_equal(closes, opens);
	shown("t3probe_connected{leg=\"serve\",user=\"alice\"}", false);
}

/* increase() sees the first step of a counter only if it was there before, at 0. */
static void counters_at_0(const char *family, const char *more, bool are)
{
	char line[160];

	for (unsigned r = T3OPS_R_CLOSED; r <= T3OPS_R_LOCAL; r++) {
		snprintf(line, sizeof line, "%s{leg=\"serve\",user=\"%s\",reason=\"%s\"} 0\n", family, more,
		         reason_label(r));
		shown(line, are);
	}
}

static void test_counters_from_the_start(void **state)
{
	const struct user carol = {.name = "carol", .host = "127.0.0.1", .port = 4102};

	(void)state;
	for (int fresh = 1; fresh >= 0; fresh--) {
		fresh_every = fresh ? NEVER : 0;
		leg_make(calm, &carol);
		counters_at_0("t3ops_leg_disconnects_total", "carol", true);
		counters_at_0("t3probe_disconnects_total", "carol", true);
		counters_at_0("t3ops_leg_fresh_failures_total", "carol", fresh);
		shown("t3ops_leg_disconnects_total{leg=\"serve\",user=\"carol\",reason=\"address_changed\"} 0\n",
		      true);
		shown("t3ops_leg_disconnects_total{leg=\"serve\",user=\"carol\",reason=\"client_eof\"}", false);
		shown("t3ops_leg_large_lost_total{leg=\"serve\",user=\"carol\",way=\"back\"} 0\n", fresh);
		leg_free(leg, true);
		expect(EVENT_LEG_GONE, 0, T3OPS_R_NONE, 0);
		shown("user=\"carol\"", false);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_user_and_metrics),
	    cmocka_unit_test(test_counters_from_the_start),
	};

	return cmocka_run_group_tests(tests, leg_rig_setup, leg_rig_teardown);
}
