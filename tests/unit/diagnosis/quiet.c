/* SPDX-License-Identifier: MIT */
/* The diagnosis: what is no fault, and what is slow. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "scenario.h"

static const struct scenario scenarios[] = {
    /* What the legs do without a fault. */
    {"a login page stands before the probe: a note, no verdict",
     "?cf",
     {ALL_UP, DOWN(100, "cf", "", LOCAL), TRY(200, "cf", "", HTTP, WALLED_OFF, 302),
      TRY(900, "cf", "", HTTP, WALLED_OFF, 302)},
     NULL},
    {"the prober is replaced: nothing broke, and its news count",
     "serve(alice)#1",
     {ALL_UP, DOWN(1000, "cf", "", LOCAL), DOWN(1000, "int", "", LOCAL), REPLACED(1001), UP(1100, "cf", ""),
      UP(1100, "int", ""), UP(1100, "srv", "alice"), DOWN(3000, "srv", "alice", RESET),
      TRY(3100, "srv", "alice", HTTP, HTTP_TIMEOUT, 0)},
     NULL},
    {"the prober dies: a user's drop can only be narrowed by what still reports",
     "last_mile(alice) wan cloudflare tunnel traefik dispatch#1[alice]",
     {ALL_UP, REPLACED(1000), DROP(2000, "alice", CLIENT_EOF, 10)},
     NULL},
    {"a late answer that comes is no fault", "", {ALL_UP, LATE(3000, "cf", ""), ALIVE(3600, "cf", "")}, NULL},

    /* Slow convicts nobody. */
    {"a brown-out at the tunnel: one word when it begins, one when it is over",
     "slow:wan cloudflare tunnel; fine",
     {ALL_UP, ALIVE(10000, "int", ""), ALIVE(10000, "srv", "alice"), ALIVE(10000, "cf", ""),
      BEAT_IN(20000, "cf", "", 1500), BEAT_IN(30000, "cf", "", 1500), BEAT_IN(40000, "cf", "", 1500),
      BEAT_IN(50000, "cf", "", 1500), ALIVE(60000, "cf", ""), ALIVE(70000, "cf", ""), ALIVE(80000, "cf", ""),
      ALIVE(90000, "cf", "")},
     NULL},
    {"late at every beat, but answered: slow, and no verdict a beat",
     "slow:wan cloudflare tunnel",
     {ALL_UP, ALIVE(9000, "int", ""), ALIVE(9000, "cf", ""), LATE(20000, "cf", ""), BEAT_IN(21000, "cf", "", 3000),
      LATE(30000, "cf", ""), BEAT_IN(31000, "cf", "", 3000), LATE(40000, "cf", ""), BEAT_IN(41000, "cf", "", 3000),
      LATE(50000, "cf", ""), BEAT_IN(55000, "cf", "", 7000), LATE(60000, "cf", ""), BEAT_IN(65000, "cf", "", 7000)},
     NULL},
    {"one slow answer is no news",
     "",
     {ALL_UP, ALIVE(10000, "cf", ""), BEAT_IN(20000, "cf", "", 1500), ALIVE(30000, "cf", ""),
      BEAT_IN(40000, "cf", "", 1500), ALIVE(50000, "cf", "")},
     NULL},
    {"a leg that is always that slow is not slow",
     "",
     {ALL_UP, BEAT_IN(10000, "cf", "", 300), BEAT_IN(20000, "cf", "", 800), BEAT_IN(30000, "cf", "", 900),
      BEAT_IN(40000, "cf", "", 1000)},
     NULL},
    {"the page of alice is answered late, everything of ours as usual",
     "slow:last_mile(alice); fine",
     {ALL_UP, ALIVE(10000, "cf", ""), ALIVE(10000, "int", ""), ALIVE(10000, "srv", "alice"), WAITS(20000, "alice"),
      PINGS(40000, "alice")},
     NULL},
    {"the resolver answers late, connections as usual",
     "slow:dns; fine",
     {ALL_UP, ALIVE(9000, "cf", ""), ALIVE(9000, "int", ""), LOOKUP_IN(9000, "cf", 20), LOOKUP_IN(20000, "cf", 1500),
      LOOKUP_IN(30000, "cf", 1500), LOOKUP_IN(40000, "cf", 1500), LOOKUP_IN(50000, "cf", 20),
      LOOKUP_IN(60000, "cf", 20), LOOKUP_IN(70000, "cf", 20), LOOKUP_IN(80000, "cf", 20)},
     NULL},
    {"and then not at all: names only",
     "slow:dns; fine; dns#1",
     {ALL_UP, ALIVE(9000, "cf", ""), ALIVE(9000, "int", ""), LOOKUP_IN(9000, "cf", 20), LOOKUP_IN(20000, "cf", 1500),
      LOOKUP_IN(30000, "cf", 1500), LOOKUP_IN(40000, "cf", 1500), RESOLVER(50000, "cf", DNS)},
     "the resolver of cf failed while cf 4 ms, int 4 ms, srv(alice) 4 ms, srv(bob) 4 ms answered; names only"},
    {"she reloads a page that hung",
     "slow:last_mile(alice); fine",
     {ALL_UP, ALIVE(10000, "cf", ""), ALIVE(10000, "int", ""), ALIVE(10000, "srv", "alice"),
      PAGE(20000, "alice", CLIENT_CLOSED, CLOSED_1001, .waiting_us = MS(7000)), OPENED(21000, "alice")},
     NULL},
    {"she leaves a page that hung, and stays away: nothing is slow for ever",
     "slow:last_mile(alice); fine",
     {ALL_UP, ALIVE(10000, "cf", ""), ALIVE(10000, "int", ""), ALIVE(10000, "srv", "alice"),
      PAGE(20000, "alice", CLIENT_CLOSED, CLOSED_1001, .waiting_us = MS(7000)), ALIVE(90000, "cf", "")},
     NULL},
    {"a slow leg goes down: that is a fault",
     "slow:wan cloudflare tunnel; fine; cloudflare#1",
     {ALL_UP, ALIVE(10000, "int", ""), ALIVE(10000, "cf", ""), BEAT_IN(20000, "cf", "", 1500),
      BEAT_IN(30000, "cf", "", 1500), BEAT_IN(40000, "cf", "", 1500), DOWN(41000, "cf", "", EOF),
      TRY(41100, "cf", "", CONNECT, REFUSED, 0)},
     NULL},
    {"a leg that never worked opens nothing and accuses nobody",
     "exonerated#1[alice]",
     {ALL_UP, GONE(2, "cf", ""), TRY(10, "cf", "", CONNECT, REFUSED, 0), BEAT(11, "bob", 0),
      DROP(4800, "alice", CLIENT_EOF, 1)},
     NULL},
};

static const struct scenario_symptom symptoms[] = {
    {"and then not at all: names only", "names_only"},
};

/* What is found out about a leg of which nothing was known may have been so for long; what changes, changes now. */
static void since_when_a_leg_is_what_it_is(void **state)
{
	static const struct {
		const char *what;
		enum leg_input_kind before, kind; /* before LEG_CLASSIFIED: nothing was known */
		uint64_t age_us, want_ago_us;
	} rows[] = {
	    {"up for an hour", LEG_CLASSIFIED, LEG_ALIVE, MS(3600000), MS(3600000)},
	    {"down for an hour", LEG_CLASSIFIED, LEG_ATTEMPT, MS(3600000), MS(3600000)},
	    {"it is not said", LEG_CLASSIFIED, LEG_ALIVE, 0, 0},
	    {"it was down", LEG_ATTEMPT, LEG_ALIVE, MS(3600000), 0},
	    {"the prober was replaced: its connection is new", LEG_PROBER_REPLACED, LEG_UP, 0, 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct leg leg = {.def = &(struct leg_def){.name = "cf"}, .user = ""};
		struct leg_input first = {.kind = rows[i].before,
		                          .reason = T3OPS_R_REFUSED,
		                          .wall_us = WALL0 - MS(9000)},
		                 in = {.kind = rows[i].kind,
		                       .reason = rows[i].kind == LEG_ATTEMPT ? T3OPS_R_REFUSED : T3OPS_R_NONE,
		                       .wall_us = WALL0,
		                       .mono_us = T0,
		                       .age_us = rows[i].age_us};

		leg_transition(&leg, &first);
		leg_transition(&leg, &in);
		if (leg.since_us != WALL0 - rows[i].want_ago_us)
			fail_msg("%s", rows[i].what);
	}
}

int main(void)
{
	static const struct CMUnitTest others[] = {
	    cmocka_unit_test(since_when_a_leg_is_what_it_is),
	};
	static const struct scenario_table table = {
	    .rows = scenarios,
	    .n = sizeof scenarios / sizeof scenarios[0],
	    .symptoms = symptoms,
	    .n_symptoms = sizeof symptoms / sizeof symptoms[0],
	    .others = others,
	    .n_others = sizeof others / sizeof others[0],
	};

	return scenarios_run(&table);
}
