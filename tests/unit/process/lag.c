/* SPDX-License-Identifier: MIT */
/* When a process looks at the clock: how much of a freeze is measured, and how often it wakes up for that. */
#include "process/lag.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define MS   UINT64_C(1000)
#define S    UINT64_C(1000000)
#define BEAT (10 * S)
#define LEGS 3

/* A prober at rest, in a world where nothing takes any time but what is waited for. */
struct world {
	struct lag lag;
	uint64_t now_us, frozen_us, thawed_us; /* from, until */
	uint64_t sent_us[LEGS], rtt_us;        /* 0: that leg's answer is there */
	uint64_t next_us[LEGS];
	unsigned wakes;
	uint64_t late_us; /* the sum of what ticks said */
};

static uint64_t sooner(uint64_t a_us, uint64_t b_us)
{
	return a_us < b_us ? a_us : b_us;
}

static uint64_t leg_due_us(const struct world *w, int i)
{
	return w->sent_us[i] != 0 ? w->sent_us[i] + w->rtt_us : w->next_us[i];
}

static enum awaited awaited(const struct world *w)
{
	for (int i = 0; i < LEGS; i++)
		if (w->sent_us[i] != 0)
			return AWAITED_ANSWER;
	return AWAITED_NEWS;
}

static bool leg_turn(struct world *w, int i)
{
	if (w->now_us < leg_due_us(w, i))
		return false;
	w->sent_us[i] = w->sent_us[i] != 0 ? 0 : w->now_us;
	w->next_us[i] += w->sent_us[i] != 0 ? BEAT : 0;
	return true;
}

/* The tick comes first, as in the loop. */
static void turn(struct world *w)
{
	uint64_t next_us = lag_due_us(&w->lag);
	bool routine, happened = false;

	for (int i = 0; i < LEGS; i++)
		next_us = sooner(next_us, leg_due_us(w, i));
	w->now_us = next_us >= w->frozen_us && next_us < w->thawed_us ? w->thawed_us : next_us;
	routine = w->now_us >= lag_due_us(&w->lag);
	if (routine)
		w->late_us += lag_tick(&w->lag, w->now_us, awaited(w), false);
	for (int i = 0; i < LEGS; i++)
		happened = leg_turn(w, i) || happened;
	lag_turn(&w->lag, w->now_us, w->now_us, routine, awaited(w));
	assert_true(happened || routine);
	w->wakes++;
}

static struct world world_of(uint64_t rtt_us, uint64_t apart_us)
{
	struct world w = {.now_us = S, .rtt_us = rtt_us};

	lag_init(&w.lag, S);
	for (unsigned i = 0; i < LEGS; i++)
		w.next_us[i] = 2 * S + i * apart_us;
	return w;
}

static void run(struct world *w, uint64_t until_us)
{
	while (w->now_us < until_us)
		turn(w);
}

/* ---- how often ------------------------------------------------------------------------------------------ */

static void test_three_legs_wake_it_less_than_once_a_second(void **state)
{
	static const uint64_t apart_us[] = {0, 100 * MS, 1300 * MS, BEAT / LEGS};

	(void)state;
	for (size_t i = 0; i < sizeof apart_us / sizeof apart_us[0]; i++) {
		struct world w = world_of(30 * MS, apart_us[i]);

		run(&w, 10 * S);
		w.wakes = 0;
		run(&w, 70 * S);
		assert_in_range(w.wakes, 30, 60);
		assert_int_equal(w.late_us, 0);
	}
}

static void test_much_is_watched_closely(void **state)
{
	struct lag l;

	(void)state;
	lag_init(&l, S);
	lag_tick(&l, S + LAG_BUSY_US, AWAITED_NEWS, false);
	assert_int_equal(lag_due_us(&l), S + LAG_BUSY_US + LAG_QUIET_US);
	for (unsigned i = 1; i <= LAG_QUIET_TURNS; i++)
		lag_turn(&l, 2 * S + i * MS, 2 * S + i * MS, false, AWAITED_NEWS);
	assert_true(lag_is_busy(&l));
	assert_int_equal(lag_due_us(&l), 2 * S + LAG_QUIET_TURNS * MS + LAG_BUSY_US);
	lag_turn(&l, 2 * S + 50 * MS, 2 * S + 50 * MS, false, AWAITED_NEWS);
	lag_tick(&l, 2 * S + 105 * MS, AWAITED_NEWS, false);
	assert_true(lag_is_busy(&l));
	lag_tick(&l, 2 * S + 205 * MS, AWAITED_NEWS, false);
	assert_true(lag_is_at_rest(&l));
}

static void test_what_happens_now_and_then_is_not_much(void **state)
{
	struct lag l;

	(void)state;
	lag_init(&l, S);
	lag_tick(&l, S + LAG_BUSY_US, AWAITED_NEWS, false);
	for (unsigned i = 1; i <= 100; i++) {
		lag_turn(&l, 2 * S + i * 300 * MS, 2 * S + i * 300 * MS, false, AWAITED_NEWS);
		assert_int_equal(lag_due_us(&l), 2 * S + i * 300 * MS + LAG_QUIET_US);
	}
}

/* What happens in between does not put it off: else a freeze would seem shorter the more happened before it. */
static void test_whoever_owes_an_answer_has_it_tick(void **state)
{
	struct lag l;

	(void)state;
	lag_init(&l, S);
	lag_tick(&l, 2 * S, AWAITED_ANSWER, false);
	for (unsigned i = 1; i < LAG_TURNS; i++)
		assert_false(lag_turn(&l, 2 * S + i * 200 * MS, 2 * S + i * 200 * MS, false, AWAITED_ANSWER));
	assert_int_equal(lag_due_us(&l), 2 * S + LAG_REST_US);
	lag_turn(&l, 2900 * MS, 2900 * MS, false, AWAITED_ANSWER);
	lag_tick(&l, 3 * S, AWAITED_ANSWER, false);
	assert_true(lag_is_busy(&l));
}

static void test_who_awaits_nothing_sleeps(void **state)
{
	struct lag l;

	(void)state;
	lag_init(&l, S);
	lag_tick(&l, 2 * S, AWAITED_NOTHING, true);
	assert_int_equal(lag_due_us(&l), 2 * S + LAG_TRIM_US);
	lag_tick(&l, 7 * S, AWAITED_NOTHING, false);
	assert_true(lag_is_asleep(&l));
	assert_false(lag_turn(&l, 8 * S, 8 * S, true, AWAITED_NOTHING));
	lag_sleep_on(&l, 9 * S);
	assert_int_equal(lag_due_us(&l), 9 * S + LAG_ASLEEP_US);
	assert_true(lag_turn(&l, 10 * S, 10 * S, false, AWAITED_NOTHING));
	assert_int_equal(lag_due_us(&l), 10 * S + LAG_FIRST_US);
}

/* Who comes while memory waits to be given back is watched at once: that tick is far away, too. */
static void test_who_falls_asleep_is_woken(void **state)
{
	struct lag l;

	(void)state;
	lag_init(&l, S);
	lag_tick(&l, 2 * S, AWAITED_NOTHING, true);
	assert_true(lag_turn(&l, 3 * S, 3 * S, false, AWAITED_NOTHING));
	assert_int_equal(lag_due_us(&l), 3 * S + LAG_FIRST_US);
	assert_int_equal(lag_tick(&l, 8 * S, AWAITED_NEWS, true), 5 * S - LAG_FIRST_US);
}

/* ---- how well ------------------------------------------------------------------------------------------- */

/* Whenever it begins.  rtt_us: how long each answer takes; less_us: how much shorter than it was it may seem. */
static void freezes(uint64_t rtt_us, uint64_t less_us)
{
	for (uint64_t from_us = 10 * S; from_us < 10 * S + BEAT; from_us += 77 * MS) {
		struct world w = world_of(rtt_us, 1300 * MS);

		w.frozen_us = from_us;
		w.thawed_us = from_us + 4 * S;
		run(&w, 40 * S);
		assert_in_range(w.late_us, 4 * S - less_us, 4 * S);
	}
}

static void test_a_freeze_is_measured_while_nobody_owes_an_answer(void **state)
{
	(void)state;
	freezes(1, LAG_QUIET_US);
}

static void test_a_freeze_is_measured_better_while_somebody_does(void **state)
{
	(void)state;
	freezes(9 * S, LAG_REST_US);
}

/* What is sent in the turn of a tick, too. */
static void test_who_asks_is_measured_from_then_on(void **state)
{
	struct lag l;

	(void)state;
	lag_init(&l, S);
	lag_tick(&l, 2 * S, AWAITED_NEWS, false);
	assert_true(lag_turn(&l, 2 * S, 2 * S, true, AWAITED_ANSWER));
	assert_int_equal(lag_due_us(&l), 2 * S + LAG_REST_US);
	assert_true(lag_turn(&l, 2 * S + 30 * MS, 2 * S + 30 * MS, false, AWAITED_NEWS));
	assert_int_equal(lag_due_us(&l), 2 * S + 30 * MS + LAG_QUIET_US);
}

/* A turn that takes long, or in which it stands still. */
static void test_a_long_turn_counts(void **state)
{
	struct lag l;

	(void)state;
	lag_init(&l, S);
	lag_tick(&l, 2 * S, AWAITED_ANSWER, false);
	lag_turn(&l, 2500 * MS, 7 * S, false, AWAITED_ANSWER);
	assert_int_equal(lag_tick(&l, 7 * S, AWAITED_ANSWER, false), 4 * S);
	lag_turn(&l, 7500 * MS, 13 * S, false, AWAITED_NEWS);
	assert_int_equal(lag_tick(&l, 13 * S, AWAITED_NEWS, false), 5500 * MS - LAG_QUIET_US);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_three_legs_wake_it_less_than_once_a_second),
	    cmocka_unit_test(test_much_is_watched_closely),
	    cmocka_unit_test(test_what_happens_now_and_then_is_not_much),
	    cmocka_unit_test(test_whoever_owes_an_answer_has_it_tick),
	    cmocka_unit_test(test_who_awaits_nothing_sleeps),
	    cmocka_unit_test(test_who_falls_asleep_is_woken),
	    cmocka_unit_test(test_a_freeze_is_measured_while_nobody_owes_an_answer),
	    cmocka_unit_test(test_a_freeze_is_measured_better_while_somebody_does),
	    cmocka_unit_test(test_who_asks_is_measured_from_then_on),
	    cmocka_unit_test(test_a_long_turn_counts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
