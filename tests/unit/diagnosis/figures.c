/* SPDX-License-Identifier: MIT */
/* Every figure that a verdict's sentence gives, against what it is defined as. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "diagnosis/host_news.h"
#include "diagnosis/tunnel_end.h"
#include "scenario.h"

#define IDLE(c, u) .idle_client_us = MS(c), .idle_upstream_us = MS(u)

/* How long nothing came that was due, and since when that is certain; never the gap between two heartbeats. */
static const struct {
	const char *what;
	struct end_report report;
	enum page_evidence evidence;
	uint64_t quiet_us, began_before_us;
} ends[] = {
    {"three Pings came late, at once: the first waited for two periods at least",
     {.reason = T3OPS_R_CLIENT_CLOSED, IDLE(0, 90000), .page = {.late_pings = 3, .period_us = PERIOD}},
     PAGE_LATE_PINGS,
     2 * PERIOD,
     2 * PERIOD},
    {"one did",
     {.reason = T3OPS_R_CLIENT_CLOSED, IDLE(0, 90000), .page = {.late_pings = 1, .period_us = PERIOD}},
     PAGE_LATE_PINGS,
     0,
     0},
    {"the server did not answer: for as long as the oldest Ping waits, whatever else it sent",
     {.reason = T3OPS_R_CLIENT_CLOSED, IDLE(10, 100), .page = {.waiting_us = MS(10000), .period_us = PERIOD}},
     PAGE_SERVER_LATE,
     MS(10000),
     MS(10000)},
    {"answers that wait in the queue",
     {.reason = T3OPS_R_CLIENT_CLOSED, IDLE(10, 20), .page = {.queued_us = MS(9000), .period_us = PERIOD}},
     PAGE_ANSWERS_NOT_TAKEN,
     MS(9000),
     MS(9000)},
    {"answers that were lost elsewhere: nothing was silent here",
     {.reason = T3OPS_R_CLIENT_CLOSED, IDLE(10, 4000), .page = {.period_us = PERIOD}},
     PAGE_ANSWERS_LOST,
     0,
     PERIOD},
    {"a cut between two heartbeats",
     {.reason = T3OPS_R_CLIENT_RESET, IDLE(4900, 4890), .page = {.period_us = PERIOD}},
     PAGE_CUT,
     0,
     0},
    {"the server ended it between two heartbeats",
     {.reason = T3OPS_R_UPSTREAM_EOF, IDLE(4900, 4890), .page = {.period_us = PERIOD}},
     PAGE_SERVER_ENDED,
     0,
     0},
    {"of an unknown page: the side at fault, silent before it was cut",
     {.reason = T3OPS_R_CLIENT_RESET, IDLE(12000, 100)},
     PAGE_NONE,
     MS(12000),
     0},
    {"and silent until it timed out",
     {.reason = T3OPS_R_CLIENT_TIMEOUT, IDLE(12000, 100)},
     PAGE_NONE,
     MS(12000),
     MS(12000)},
    {"the server's side", {.reason = T3OPS_R_UPSTREAM_TIMEOUT, IDLE(100, 12000)}, PAGE_NONE, MS(12000), MS(12000)},
    {"either side", {.reason = T3OPS_R_CLIENT_GAVE_UP, IDLE(100, 12000)}, PAGE_NONE, MS(12000), MS(12000)},
};

static void silences(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
		struct end_report r = ends[i].report;
		struct drop d;

		r.why = r.address = r.colo = "";
		tunnel_end_drop(&d, &r, "alice", ends[i].evidence, T0);
		if (d.quiet_us != ends[i].quiet_us)
			fail_msg("%s: silent for %d ms", ends[i].what, (int)(d.quiet_us / 1000));
		if (d.began_us != T0 - ends[i].began_before_us)
			fail_msg("%s: began %d ms before", ends[i].what, (int)((T0 - d.began_us) / 1000));
	}
}

static const struct scenario scenarios[] = {
    {"late Pings: at least so long",
     "last_mile(alice)#1[alice]",
     {ALL_UP, PAGE(20000, "alice", CLIENT_CLOSED, CLOSED_1000, .late_pings = 3)},
     "alice lost 1 WebSocket (late_pings after at least 10.0 s of silence) while"},
    {"a late server: so long",
     "serve(alice)#1[alice]",
     {ALL_UP, PAGE(20000, "alice", CLIENT_CLOSED, CLOSED_1000, .waiting_us = MS(10500))},
     "alice lost 1 WebSocket (server_late after 10.5 s of silence) while"},
    {"answers that were not taken: for so long",
     "last_mile(alice)#1[alice]",
     {ALL_UP, PAGE(20000, "alice", CLIENT_CLOSED, CLOSED_1000, .waiting_us = MS(10000), .queued_us = MS(9000))},
     "alice lost 1 WebSocket (answers_not_taken for 9.0 s) while"},
    {"a cut: nothing was silent before it",
     "exonerated#1[alice]; ~exonerated#1[alice]",
     {ALL_UP, PAGE(5000, "alice", CLIENT_RESET, CUT), OPENED(6500, "alice")},
     "alice lost 1 WebSocket (cut"},
    {"two tabs at once",
     "exonerated#1[alice]",
     {ALL_UP, DROP(100, "alice", CLIENT_EOF, 10), DROP(150, "alice", CLIENT_EOF, 10)},
     "alice lost 2 WebSockets (client_eof) while"},
    {"and another one later: since she was last judged",
     "exonerated#1[alice]; !last_mile(alice)#1[alice]",
     {ALL_UP, DROP(20000, "alice", CLIENT_EOF, 10), DROP(20010, "alice", CLIENT_EOF, 10),
      PAGE(23000, "alice", CLIENT_CLOSED, CLOSED_1000, .late_pings = 3)},
     "alice lost 1 WebSocket (late_pings after at least 10.0 s of silence)"},
    {"a round trip is that of the last answer; a new connection has none",
     "exonerated#1[alice]",
     {UP(1, "cf", ""), UP(1, "int", ""), BEAT_IN(15000, "int", "", 7), MUTE(19900, "int", ""), MUTE(19900, "cf", ""),
      DROP(20000, "alice", CLIENT_EOF, 10), BEAT_IN(20100, "int", "", 70), UP(20110, "cf", "")},
     "while cf, int 70 ms answered"},
    {"also of one that waited for the host",
     "host#1[bob]",
     {ALL_UP, MUTE(7990, "int", ""), MUTE(7990, "cf", ""), MUTE(7990, "srv", "alice"), MUTE(7990, "srv", "bob"),
      LAG(8000, "proxy", 7000), DROP(8003, "bob", CLIENT_TIMEOUT, 7000), BEAT_IN(10400, "int", "", 2390)},
     "t3ops itself (proxy) was frozen for 7.0 s: bob lost 1 WebSocket (client_timeout after 7.0 s of silence) while "
     "int 2390 ms answered"},
    {"what failed later is not said to have answered",
     "serve(alice)#1[alice]; wan cloudflare tunnel#2",
     {ALL_UP, PAGE(20000, "alice", UPSTREAM_EOF, .end = PAGE_END_SERVER), MUTE(20100, "cf", ""),
      LATE(23000, "cf", "")},
     "cf stopped answering while int 4 ms, srv(alice) 4 ms, srv(bob) 4 ms answered"},
    {"an overloaded machine: by how much our own loop was late",
     "(starved); host#1[alice]",
     {ALL_UP, SLOW_ALL(5990), STARVED(6000, 4000),
      PAGE(6500, "alice", CLIENT_CLOSED, CLOSED_1000, .waiting_us = MS(6000)), LATE(6510, "srv", "bob"),
      LATE(6520, "cf", "")},
     "this machine was overloaded, t3ops itself was late by 4.0 s: "},
};

/* Kills and the share of waiting are of the whole incident, also when it is longer than the samples that are kept: of
 * 70 s from the sample before it, 35. */
static void pressure_of_the_incident(void **state)
{
	static const struct step steps[] = {UP(1, "cf", ""), DOWN(30000, "cf", "", EOF),
	                                    TRY(30050, "cf", "", CONNECT, REFUSED, 0),
	                                    DROP(100000, "alice", CLIENT_EOF, 10)};
	struct pressure sample = {.known = true, .kills_known = true};
	struct run r;
	size_t n = 0;

	(void)state;
	scenario_begin(&r);
	for (unsigned s = 0; s < 100; s++) {
		for (; n < 3 && steps[n].at_ms <= 1000 * s; n++)
			scenario_step(&r, &steps[n]);
		scenario_pass(&r, T0 + MS(1000 * s + 500));
		sample.mono_us = r.now_us;
		sample.memory_us += s >= 30 && s < 65 ? MS(1000) : 0;
		sample.oom_kills += s == 32;
		assert_int_equal(host_news_pressure(r.diagnosis, &sample), 0);
	}
	scenario_step(&r, &steps[n]);
	scenario_pass(&r, T0 + MS(104000));
	assert_non_null(strstr(r.text, "alice lost 1 WebSocket"));
	assert_non_null(strstr(r.text, "; the kernel killed 1 for lack of memory"));
	assert_non_null(strstr(r.text, "; the host waited for memory 50 % of the time"));
	scenario_end(&r);
}

/* How many paths failed: all of the verdict, whoever joined last. */
static void failing_paths(void **state)
{
	static const struct step steps[] = {
	    ALL_UP,
	    DOWN(100, "cf", "", EOF),
	    DROP(110, "alice", CLIENT_EOF, 10),
	    TRY(120, "cf", "", CONNECT, REFUSED, 0),
	    DROP(5000, "bob", CLIENT_EOF, 10),
	};
	struct run r;

	(void)state;
	scenario_begin(&r);
	for (size_t n = 0; n < sizeof steps / sizeof steps[0]; n++)
		scenario_step(&r, &steps[n]);
	scenario_pass(&r, T0 + MS(9000));
	assert_string_equal(r.got, "cloudflare#1[alice]; +cloudflare#1[alice bob]");
	assert_int_equal(diagnosis_verdicts(r.diagnosis)->rows[0]->failing, 3);
	scenario_end(&r);
}

int main(void)
{
	static const struct CMUnitTest others[] = {
	    cmocka_unit_test(silences),
	    cmocka_unit_test(pressure_of_the_incident),
	    cmocka_unit_test(failing_paths),
	};
	static const struct scenario_table table = {
	    .rows = scenarios,
	    .n = sizeof scenarios / sizeof scenarios[0],
	    .others = others,
	    .n_others = sizeof others / sizeof others[0],
	};

	return scenarios_run(&table);
}
