/* SPDX-License-Identifier: MIT */
/* What happened to the host, and which failures it explains. */
#include "diagnosis/host_events.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "diagnosis/incident_timing.h"

#define MS(n) ((uint64_t)(n)*1000)

struct row {
	const char *what;
	struct host_event event;
	struct host_question question;
	bool explains;
};

/* From the second ms_from to ms_until. */
#define FROZEN(who, from, until)                                                                                     \
	{                                                                                                            \
		.kind = HOST_FROZEN, .process = #who, .who = true, .from_us = MS(from), .until_us = MS(until),       \
		.length_us = MS((until) - (from))                                                                    \
	}
#define SLEPT(at, length)                                                                                            \
	{                                                                                                            \
		.kind = HOST_SUSPENDED, .from_us = MS((at)-1000), .until_us = MS(at), .length_us = MS(length)        \
	}
#define SET(at, length)                                                                                              \
	{                                                                                                            \
		.kind = HOST_CLOCK_SET, .from_us = MS((at)-1000), .until_us = MS(at), .length_us = MS(length)        \
	}
#define KILL(from, until)                                                                                            \
	{                                                                                                            \
		.kind = HOST_OOM_KILL, .from_us = MS(from), .until_us = MS(until), .kills = 1                        \
	}
#define STRAIN(from, until)                                                                                          \
	{                                                                                                            \
		.kind = HOST_STRAINED, .from_us = MS(from), .until_us = MS(until),                                   \
		.length_us = MS((until) - (from)) / 2                                                                \
	}
#define STARVE(from, until)                                                                                          \
	{                                                                                                            \
		.kind = HOST_STARVED, .from_us = MS(from), .until_us = MS(until),                                    \
		.length_us = MS((until) - (from)) * 3 / 4                                                            \
	}
#define OVERLOAD(from, until)                                                                                        \
	{                                                                                                            \
		.kind = HOST_OVERLOADED, .from_us = MS(from), .until_us = MS(until),                                 \
		.length_us = MS((until) - (from)) / 2, .servers = 9                                                  \
	}
#define UNANSWERED(from, until)                                                                                      \
	{                                                                                                            \
		.prober = true, .proxy = true, .unanswered = true, .others_prompt = true, .began_us = MS(from),      \
		.seen_us = MS(until)                                                                                 \
	}
#define GONE(from, until)                                                                                            \
	{                                                                                                            \
		.kind = HOST_PROXY_GONE, .from_us = MS(from), .until_us = MS(until)                                  \
	}
#define SILENCE(who, from, until)                                                                                    \
	{                                                                                                            \
		.who = true, .began_us = MS(from), .seen_us = MS(until)                                              \
	}
#define LOST(from)                                                                                                   \
	{                                                                                                            \
		.kind = HOST_OFFLINE, .from_us = MS(from), .until_us = HOST_GOES_ON                                  \
	}
#define BACK(from, until)                                                                                            \
	{                                                                                                            \
		.kind = HOST_OFFLINE, .from_us = MS(from), .until_us = MS(until), .length_us = MS((until) - (from))  \
	}
/* From began to tried, and heard of last. */
#define OUTWARD(from, until, heard)                                                                                  \
	{                                                                                                            \
		.outward = true, .began_us = MS(from), .seen_us = MS(until), .tried_us = MS(until),                  \
		.heard_us = MS(heard)                                                                                \
	}
#define CUT(who, at) SILENCE(who, at, at)
#define ENDED(at)                                                                                                    \
	{                                                                                                            \
		.proxy = true, .ended = true, .began_us = MS(at), .seen_us = MS(at)                                  \
	}

static const struct row rows[] = {
    {"all of the silence", FROZEN(prober, 10000, 12000), SILENCE(prober, 10000, 12000), true},
    {"half of it", FROZEN(prober, 10000, 11000), SILENCE(prober, 10000, 12000), true},
    {"too little of it", FROZEN(prober, 10000, 10600), SILENCE(prober, 10000, 12600), false},
    {"before it", FROZEN(prober, 5000, 9000), SILENCE(prober, 10000, 12000), false},
    {"after it", FROZEN(prober, 12000, 19000), SILENCE(prober, 10000, 12000), false},
    {"of another process", FROZEN(proxy, 10000, 12000), SILENCE(prober, 10000, 12000), false},
    {"long enough for a page to give up", FROZEN(proxy, 10000, 15000), CUT(proxy, 15010), true},
    {"too short for that", FROZEN(proxy, 10000, 12000), CUT(proxy, 12010), false},
    {"too long ago", FROZEN(proxy, 10000, 17000), CUT(proxy, 18100), false},
    {"cut meanwhile", FROZEN(proxy, 10000, 17000), CUT(proxy, 12000), true},
    {"slept, and cut at once", SLEPT(20000, 60000), CUT(proxy, 20005), true},
    {"slept, and no network yet", SLEPT(20000, 60000), CUT(prober, 28000), true},
    {"slept, and cut much later", SLEPT(20000, 60000), CUT(prober, 31000), false},
    {"cut before it slept", SLEPT(20000, 60000), CUT(prober, 18000), false},
    {"the clock was set, which no connection knows", SET(20000, 60000), CUT(prober, 20500), false},
    {"a process ended in the second of a kill", KILL(10000, 11000), ENDED(10500), true},
    {"just before it was counted", KILL(10000, 11000), ENDED(9900), true},
    {"just after", KILL(10000, 11000), ENDED(11900), true},
    {"long after", KILL(10000, 11000), ENDED(13000), false},
    {"nothing of this machine ended", KILL(10000, 11000), CUT(proxy, 10500), false},
    {"silence while everything waits for memory", STRAIN(10000, 13000), SILENCE(proxy, 5000, 13000), true},
    {"a long one for another reason", STRAIN(10000, 11000), SILENCE(proxy, 5000, 13000), false},
    {"a proxy died, and a leg with it", GONE(10000, 10000), CUT(proxy, 9900), true},
    {"until the next one serves", GONE(10000, 10000), CUT(proxy, 12000), true},
    {"no more", GONE(10000, 10000), CUT(proxy, 13500), false},
    {"what does not end at a proxy", GONE(10000, 10000), CUT(prober, 10000), false},
    {"a proxy hung", GONE(10000, 30000), SILENCE(proxy, 12000, 14000), true},
    {"silent before it hung", GONE(10000, 30000), SILENCE(proxy, 9000, 14000), false},
    {"silence while we wait for a CPU",
     STARVE(6000, 13000),
     {.unanswered = true, .began_us = MS(5000), .seen_us = MS(13000)},
     true},
    {"while others are answered at once",
     STARVE(6000, 13000),
     {.unanswered = true, .others_prompt = true, .began_us = MS(5000), .seen_us = MS(13000)},
     false},
    {"a long one for another reason",
     STARVE(9000, 13000),
     {.unanswered = true, .began_us = MS(5000), .seen_us = MS(13000)},
     false},
    {"a reset needs no CPU to be one", STARVE(10000, 13000), CUT(proxy, 12000), false},
    {"silence that began while servers were late", OVERLOAD(20000, 30000), UNANSWERED(25000, 45000), true},
    {"or shortly before", OVERLOAD(20000, 30000), UNANSWERED(11000, 31000), true},
    {"long before", OVERLOAD(20000, 30000), UNANSWERED(9000, 29000), false},
    {"after it", OVERLOAD(20000, 30000), UNANSWERED(31000, 33000), false},
    {"an answer is no lateness", OVERLOAD(20000, 30000), CUT(prober, 25000), false},
    {"nobody answers, and no network is left", LOST(10000), OUTWARD(11000, 14000, 9000), true},
    {"what was heard since", LOST(10000), OUTWARD(15000, 18000, 14000), false},
    {"what was on its way when it went", LOST(10000), OUTWARD(11000, 14000, 10500), true},
    {"what failed for long before", LOST(20000), OUTWARD(2000, 4000, 1000), false},
    {"what failed a moment before", LOST(10000), OUTWARD(4000, 6000, 3000), true},
    {"what stays on this machine", LOST(10000), SILENCE(prober, 11000, 14000), false},
    {"what did not come back with it", BACK(10000, 20000), OUTWARD(30000, 34000, 9000), true},
    {"for too long", BACK(10000, 20000), OUTWARD(36000, 39000, 9000), false},
    {"what was heard when it was back", BACK(10000, 20000), OUTWARD(30000, 34000, 25000), false},
    {"what had failed before that", BACK(10000, 20000), OUTWARD(15000, 17000, 25000), true},
    {"memory cuts nothing", STRAIN(10000, 13000), CUT(proxy, 12000), false},
};

static void every_row(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct host_events h = {.n = 0};

		assert_int_equal(host_events_add(&h, &rows[i].event, 0), 1);
		if ((host_events_find(&h, &rows[i].question) != NULL) != rows[i].explains)
			fail_msg("%s", rows[i].what);
		host_events_fini(&h);
	}
}

/* Too short to matter, too old to matter, and the longest of those that do. */
static void what_is_kept(void **state)
{
	static const struct host_event lag = FROZEN(proxy, 1000, 1400), step = SET(2000, 900),
	                               old = SLEPT(3000, 5000), shorter = FROZEN(proxy, 9000, 14000),
	                               longer = FROZEN(proxy, 8000, 14500);
	static const struct host_question cut = CUT(proxy, 14600);
	struct host_events h = {.n = 0};

	(void)state;
	assert_int_equal(host_events_add(&h, &lag, 0), 0);
	assert_int_equal(host_events_add(&h, &step, 0), 0);
	assert_int_equal(h.n, 0);
	assert_int_equal(host_events_add(&h, &old, 0), 1);
	assert_int_equal(host_events_add(&h, &shorter, MS(5000)), 1);
	assert_int_equal(h.n, 1);
	assert_int_equal(host_events_add(&h, &longer, MS(5000)), 1);
	assert_int_equal(host_events_find(&h, &cut)->length_us, MS(6500));
	host_events_fini(&h);
}

/* That servers are late is one event while it lasts, and says nothing of what another one explains. */
static void overload_comes_last(void **state)
{
	static const struct host_event late = OVERLOAD(20000, 24000), later = OVERLOAD(21000, 30000),
	                               gone = GONE(25000, 25000);
	static const struct host_question silence = UNANSWERED(25000, 27000), before = UNANSWERED(21000, 26000);
	struct host_events h = {.n = 0};

	(void)state;
	assert_int_equal(host_events_add(&h, &late, 0), 1);
	assert_int_equal(host_events_add(&h, &later, 0), 0);
	assert_int_equal(h.n, 1);
	assert_int_equal(h.rows[0].from_us, MS(20000));
	assert_int_equal(h.rows[0].until_us, MS(30000));
	assert_int_equal(host_events_add(&h, &gone, 0), 1);
	assert_int_equal(host_events_find(&h, &silence)->kind, HOST_PROXY_GONE);
	assert_int_equal(host_events_find(&h, &before)->kind, HOST_OVERLOADED);
	host_events_fini(&h);
}

/* It goes on until it is known to be over, and comes before what else happened. */
static void network_comes_back(void **state)
{
	static const struct host_event lost = LOST(10000), over = BACK(10000, 20000), again = LOST(30000),
	                               asleep = SLEPT(12000, 9000);
	static const struct host_question silence = OUTWARD(11000, 12500, 9000);
	struct host_events h = {.n = 0};

	(void)state;
	assert_int_equal(host_events_add(&h, &lost, 0), 1);
	assert_int_equal(host_events_add(&h, &asleep, MS(11000)), 1);
	assert_int_equal(host_events_find(&h, &silence)->kind, HOST_OFFLINE);
	assert_false(host_event_is_over(&h.rows[0], UINT64_MAX, 0));
	assert_int_equal(host_events_add(&h, &over, 0), 0);
	assert_int_equal(h.rows[0].until_us, MS(20000));
	assert_int_equal(h.rows[0].length_us, MS(10000));
	assert_true(host_event_is_over(&h.rows[0], MS(21000), MS(500)));
	assert_int_equal(host_events_add(&h, &again, 0), 1);
	assert_int_equal(h.n, 3);
	host_events_fini(&h);
}

/* One event while it lasts, not one a sample. */
static void strain_goes_on(void **state)
{
	static const struct host_event rows_of_it[] = {STRAIN(10000, 11000), STRAIN(11000, 12000),
	                                               STRAIN(14000, 15000), STRAIN(21000, 22000)};
	static const int news[] = {1, 0, 0, 1};
	struct host_events h = {.n = 0};

	(void)state;
	for (size_t i = 0; i < 4; i++)
		assert_int_equal(host_events_add(&h, &rows_of_it[i], 0), news[i]);
	assert_int_equal(h.n, 2);
	assert_int_equal(h.rows[0].until_us, MS(15000));
	host_events_fini(&h);
}

static void what_samples_say(void **state)
{
	struct pressure before = {.mono_us = MS(1000), .memory_us = MS(50), .known = true, .kills_known = true},
	                now = {.mono_us = MS(2000), .memory_us = MS(150), .known = true, .kills_known = true};
	struct host_event e;

	(void)state;
	assert_false(host_event_of_kills(&before, &now, &e));
	assert_false(host_event_of_strain(&before, &now, &e));
	now.oom_kills = 2;
	now.memory_us = MS(300);
	assert_true(host_event_of_kills(&before, &now, &e));
	assert_int_equal(e.kills, 2);
	assert_int_equal(e.from_us, MS(1000));
	assert_true(host_event_of_strain(&before, &now, &e));
	assert_int_equal(e.length_us, MS(250));
	before.known = before.kills_known = false; /* the first one */
	assert_false(host_event_of_kills(&before, &now, &e));
	assert_false(host_event_of_strain(&before, &now, &e));
}

static void what_makes_a_loop_late(void **state)
{
	static const struct {
		const char *what;
		uint64_t late_us, waited_us; /* of the second between the samples */
		bool starved;
	} cases[] = {
	    {"nothing", MS(10), MS(1), false},
	    {"others run, but not for long", MS(300), MS(280), false},
	    {"each tick waits", MS(600), MS(450), true},
	    {"time runs faster than the kernel's", MS(800), MS(100), true},
	    {"a slow disk", MS(800), MS(5), false},
	    {"it waits in what it does between ticks", MS(20), MS(600), true},
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct pressure before = {.mono_us = MS(5000), .late_us = MS(70), .waited_us = MS(7)},
		                now = {.mono_us = MS(6000),
		                       .late_us = MS(70) + cases[i].late_us,
		                       .waited_us = MS(7) + cases[i].waited_us};
		struct host_event e;

		if (host_event_of_starvation(&before, &now, &e) != cases[i].starved)
			fail_msg("%s", cases[i].what);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(every_row),
	    cmocka_unit_test(what_is_kept),
	    cmocka_unit_test(network_comes_back),
	    cmocka_unit_test(strain_goes_on),
	    cmocka_unit_test(overload_comes_last),
	    cmocka_unit_test(what_samples_say),
	    cmocka_unit_test(what_makes_a_loop_late),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
