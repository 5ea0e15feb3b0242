/* SPDX-License-Identifier: MIT */
/* The diagnosis: several faults, many users, and the life of a verdict, also across a restart of the monitor. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "diagnosis/incident_timing.h"
#include "scenario.h"

static const struct scenario scenarios[] = {
    /* Several faults, and the life of one. */
    {"two faults at once are two verdicts",
     "cloudflare#1; serve(bob)#2; ~serve(bob)#2; ~cloudflare#1",
     {ALL_UP, DOWN(100, "cf", "", EOF), DOWN(120, "srv", "bob", RESET), TRY(1110, "cf", "", CONNECT, REFUSED, 0),
      TRY(1120, "srv", "bob", CONNECT, REFUSED, 0), UP(5000, "srv", "bob"), UP(6000, "cf", "")},
     NULL},
    {"evidence that comes after the verdict narrows it",
     "wan cloudflare tunnel#1; >tunnel#1; ~tunnel#1",
     {ALL_UP, LATE(3000, "cf", ""), DOWN(10000, "cf", "", HEARTBEAT_TIMEOUT),
      TRY(16000, "cf", "", HTTP, HTTP_STATUS, 530), UP(30000, "cf", "")},
     "narrowed, was wan or cloudflare or tunnel: cf failed at http (http_status 530)"},
    {"evidence that contradicts the verdict says what it was",
     "cloudflare#1; !tunnel#1; ~tunnel#1",
     {ALL_UP, DOWN(100, "cf", "", EOF), TRY(1110, "cf", "", CONNECT, REFUSED, 0),
      TRY(7000, "cf", "", HTTP, HTTP_STATUS, 530), UP(30000, "cf", "")},
     "new evidence, was cloudflare: cf failed at http"},
    {"users who notice late: the fault goes on, and after its end they were its victims",
     "cloudflare#1; +cloudflare#1[alice]; ~cloudflare#1[alice]; +cloudflare#1[alice bob]",
     {ALL_UP, DOWN(100, "cf", "", EOF), TRY(1110, "cf", "", CONNECT, REFUSED, 0),
      DROP(5000, "alice", CLIENT_TIMEOUT, 4900), UP(12000, "cf", ""), DROP(20000, "bob", CLIENT_TIMEOUT, 19900)},
     NULL},
    {"after the end of a fault a tunnel that had survived it is judged afresh",
     "cloudflare#1; ~cloudflare#1; exonerated#2[bob]",
     {ALL_UP, DOWN(100, "cf", "", EOF), TRY(1110, "cf", "", CONNECT, REFUSED, 0), UP(3000, "cf", ""),
      DROP(20000, "bob", CLIENT_TIMEOUT, 2000)},
     NULL},
    {"two cuts one after the other are two verdicts",
     "cloudflare#1; ~cloudflare#1; tunnel#2[alice]; ~tunnel#2[alice]",
     {ALL_UP, DOWN(100, "cf", "", EOF), TRY(1110, "cf", "", CONNECT, REFUSED, 0), UP(3000, "cf", ""),
      OPENED(3100, "alice"), DOWN(6000, "cf", "", EOF), DROP_YOUNG(6001, "alice", CLIENT_EOF, 800, 600000),
      TRY(7000, "cf", "", HTTP, HTTP_STATUS, 503), UP(9000, "cf", "")},
     NULL},
    {"flapping is one verdict with a count, not one a beat",
     "cloudflare#1; ~cloudflare#1; *cloudflare#1; ~cloudflare#1",
     {ALL_UP, DOWN(1000, "cf", "", EOF), TRY(1100, "cf", "", CONNECT, REFUSED, 0), UP(4000, "cf", ""),
      DOWN(10000, "cf", "", EOF), TRY(10100, "cf", "", CONNECT, REFUSED, 0), UP(14000, "cf", ""),
      DOWN(20000, "cf", "", EOF), TRY(20100, "cf", "", CONNECT, REFUSED, 0), UP(24000, "cf", ""),
      DOWN(30000, "cf", "", EOF), TRY(30100, "cf", "", CONNECT, REFUSED, 0), UP(34000, "cf", ""),
      ALIVE(90000, "cf", "")},
     "the fault of verdict 1 recurred: cf failed at connect"},
    {"the same fault an hour later is another",
     "cloudflare#1; ~cloudflare#1; cloudflare#2; ~cloudflare#2",
     {ALL_UP, DOWN(1000, "cf", "", EOF), TRY(1100, "cf", "", CONNECT, REFUSED, 0), UP(4000, "cf", ""),
      DOWN(3600000, "cf", "", EOF), TRY(3600100, "cf", "", CONNECT, REFUSED, 0), UP(3604000, "cf", "")},
     NULL},
    {"a fault that stays is old news; a user who drops then is part of it",
     "cloudflare#1; +cloudflare#1[alice]",
     {ALL_UP, DOWN(1000, "cf", "", EOF), TRY(1100, "cf", "", CONNECT, REFUSED, 0),
      TRY(60000, "cf", "", CONNECT, REFUSED, 0), TRY(200000, "cf", "", CONNECT, REFUSED, 0),
      DROP(400000, "alice", CLIENT_EOF, 10)},
     NULL},
    {"users who never come back: the verdict expires",
     "exonerated#1[alice]; ^exonerated#1[alice]",
     {ALL_UP, DROP(100, "alice", CLIENT_EOF, 10), ALIVE(700000, "cf", "")},
     NULL},
    {"one leg fails and another crosses all of its segments: its own way, and it ends, too",
     "prober#1; ~prober#1",
     {ALL_UP, DOWN(100, "int", "", EOF), TRY(120, "int", "", CONNECT, REFUSED, 0), UP(9000, "int", "")},
     "only the prober's own path is broken, other legs cross the same segments: int failed at connect"},

    /* Verdicts outlive the monitor. */
    {"the monitor restarts while the edge is cut: the verdict stands, and ends when the leg is up",
     "cloudflare#1[alice]; ~cloudflare#1[alice]",
     {ALL_UP, DOWN(100, "cf", "", EOF), DROP(110, "alice", CLIENT_EOF, 900), TRY(1110, "cf", "", CONNECT, REFUSED, 0),
      RESTARTED(20000), TRY(21000, "cf", "", CONNECT, REFUSED, 0), OPENED(30000, "alice"), UP(40000, "cf", "")},
     NULL},
    {"and hurts one more: the same verdict, the next revision",
     "cloudflare#1[alice]; +cloudflare#1[alice bob]; ~cloudflare#1[alice bob]",
     {ALL_UP, DOWN(100, "cf", "", EOF), DROP(110, "alice", CLIENT_EOF, 900), TRY(1110, "cf", "", CONNECT, REFUSED, 0),
      RESTARTED(20000), ALIVE(20100, "int", ""), TRY(21000, "cf", "", CONNECT, REFUSED, 0),
      DROP(25000, "bob", CLIENT_EOF, 10), UP(40000, "cf", "")},
     "the fault of verdict 1 affected more users: bob lost 1 WebSocket"},
    {"the resolver fails across a restart",
     "dns#1; ~dns#1",
     {ALL_UP, RESOLVER(100, "cf", DNS), RESTARTED(5000), RESOLVER(9000, "cf", DNS), RESOLVER(15000, "cf", NONE)},
     NULL},
    {"new connections fail across a restart",
     "tunnel#1; ~tunnel#1",
     {ALL_UP, FRESH(5000, "cf", OPEN, NONE, 0), FRESH(12000, "cf", HTTP, HTTP_STATUS, 530), RESTARTED(20000),
      ALIVE(21000, "cf", ""), FRESH(40000, "cf", OPEN, NONE, 0)},
     NULL},
    {"a verdict about users alone ends when the last of them is back",
     "exonerated#1[alice bob]; ~exonerated#1[alice bob]",
     {ALL_UP, DROP(100, "alice", CLIENT_EOF, 10), DROP(150, "bob", CLIENT_EOF, 10), OPENED(5000, "alice"),
      RESTARTED(6000), OPENED(9000, "bob")},
     NULL},
    {"what had healed a moment before the restart is there again, not new",
     "cloudflare#1; ~cloudflare#1; *cloudflare#1",
     {ALL_UP, DOWN(1000, "cf", "", EOF), TRY(1100, "cf", "", CONNECT, REFUSED, 0), UP(4000, "cf", ""),
      RESTARTED(5000), ALL_UP_AT(6000), DOWN(10000, "cf", "", EOF), TRY(10100, "cf", "", CONNECT, REFUSED, 0)},
     NULL},
    {"t3ops stops, which legs notice, and again, which they do not: users tell when that is over",
     "dispatch#1[alice]; ~dispatch#1[alice]; *dispatch#1[alice]; ~dispatch#1[alice]",
     {ALL_UP, DOWN(5000, "cf", "", EOF), DOWN(5000, "int", "", EOF), PAGE(5001, "alice", LOCAL, .end = PAGE_END_LOST),
      FINISHED(5002), RESTARTED(5003), ALL_UP_AT(6000), OPENED(8000, "alice"),
      PAGE_OF(16000, "alice", LOCAL, 8000, .end = PAGE_END_LOST), FINISHED(16001), RESTARTED(16002), ALL_UP_AT(17000),
      OPENED(20000, "alice"), ALIVE(60000, "cf", "")},
     NULL},
    {"a restart while what came back is held: it is held on, and has healed then",
     "cloudflare#1; ~cloudflare#1; *cloudflare#1; ~cloudflare#1",
     {ALL_UP, DOWN(1000, "cf", "", EOF), TRY(1100, "cf", "", CONNECT, REFUSED, 0), UP(4000, "cf", ""),
      DOWN(10000, "cf", "", EOF), TRY(10100, "cf", "", CONNECT, REFUSED, 0), UP(14000, "cf", ""), RESTARTED(20000),
      ALL_UP_AT(21000), ALIVE(90000, "cf", "")},
     NULL},
    {"another fault after it has an id of its own",
     "cloudflare#1; serve(bob)#2",
     {ALL_UP, DOWN(1000, "cf", "", EOF), TRY(1100, "cf", "", CONNECT, REFUSED, 0), RESTARTED(5000),
      UP(6000, "srv", "bob"), DOWN(10000, "srv", "bob", EOF), TRY(10100, "srv", "bob", CONNECT, REFUSED, 0)},
     NULL},
};

/* No drop of a user is left out, however many there are; all are named as many. */
static void many_users_at_once(void **state)
{
	enum { N = 200 };
	struct run r;
	char user[16];
	struct step s = DROP(100, user, CLIENT_EOF, 10);

	(void)state;
	scenario_begin(&r);
	for (int n = 0; n < N; n++) {
		snprintf(user, sizeof user, "user%d", n);
		scenario_step(&r, &s);
	}
	r.got[0] = '\0';
	scenario_pass(&r, T0 + MS(5000));
	r.got[strlen("wan cloudflare tunnel traefik dispatch#1")] = '\0';
	assert_string_equal(r.got, "wan cloudflare tunnel traefik dispatch#1");
	assert_non_null(strstr(r.text, "user0 lost 1 WebSocket"));
	assert_non_null(strstr(r.text, " and 196 more"));
	assert_int_equal(r.n_observations, N);
	assert_int_equal(diagnosis_verdicts(r.diagnosis)->rows[0]->users.n, N);
	scenario_end(&r);
}

/* The same fault of many users, each their own: one verdict of what they share; of a few, one each. */
static void a_mass_is_one_verdict(void **state)
{
	enum { MOST = 40 };
	static const struct {
		int users;
		size_t verdicts;
		const char *suspect;
	} rows[] = {{MASS_MIN - 1, MASS_MIN - 1, "serve(user0)"}, {MASS_MIN, 1, "serve"}, {MOST, 1, "serve"}};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct run r;
		char user[16];
		struct step s = PAGE(100, user, UPSTREAM_EOF, .end = PAGE_END_SERVER), back = OPENED(9000, user);
		const struct verdict_table *all;

		scenario_begin(&r);
		for (int n = 0; n < rows[i].users; n++) {
			snprintf(user, sizeof user, "user%d", n);
			scenario_step(&r, &s);
		}
		scenario_pass(&r, T0 + MS(5000));
		all = diagnosis_verdicts(r.diagnosis);
		assert_int_equal(all->n, rows[i].verdicts);
		assert_string_equal(all->rows[0]->conclusion.suspects.segments[0], rows[i].suspect);
		assert_int_equal(all->rows[0]->users.n, rows[i].verdicts == 1 ? rows[i].users : 1);
		assert_int_equal(r.counted, rows[i].verdicts);
		for (int n = 0; n < rows[i].users; n++) {
			snprintf(user, sizeof user, "user%d", n);
			scenario_step(&r, &back);
		}
		scenario_pass(&r, T0 + MS(20000));
		for (size_t k = 0; k < all->n; k++)
			assert_int_equal(all->rows[k]->state, VERDICT_HEALED);
		scenario_end(&r);
	}
}

/* A verdict is revised a few times at most; what comes later is still known. */
static void revisions_are_bounded(void **state)
{
	struct run r;
	char user[16];
	struct step s = DROP(0, user, CLIENT_EOF, 10);
	static const struct step down[] = {ALL_UP, DOWN(100, "cf", "", EOF), TRY(110, "cf", "", CONNECT, REFUSED, 0)};
	const struct verdict *v;

	(void)state;
	scenario_begin(&r);
	for (size_t n = 0; n < sizeof down / sizeof down[0]; n++)
		scenario_step(&r, &down[n]);
	for (int n = 1; n <= 9; n++) {
		snprintf(user, sizeof user, "user%d", n);
		s.at_ms = (unsigned)n * 10000;
		scenario_step(&r, &s);
	}
	scenario_pass(&r, T0 + MS(100000));
	v = diagnosis_verdicts(r.diagnosis)->rows[0];
	assert_int_equal(diagnosis_verdicts(r.diagnosis)->n, 1);
	assert_int_equal(r.counted, 1);
	assert_int_equal(v->revision, REVISIONS_MAX);
	assert_int_equal(v->users.n, 9);
	scenario_end(&r);
}

/* One verdict counts once, whatever becomes of it, unless it had exonerated everything. */
static void what_counts(void **state)
{
	static const struct {
		enum verdict_change change;
		enum verdict_kind was, now;
		bool counts;
	} rows[] = {
	    {VERDICT_NEW, VERDICT_FAULT, VERDICT_EXONERATED, true},
	    {VERDICT_NEW, VERDICT_FAULT, VERDICT_FAULT, true},
	    {VERDICT_NARROWED, VERDICT_FAULT, VERDICT_FAULT, false},
	    {VERDICT_CHANGED, VERDICT_FAULT, VERDICT_FAULT, false},
	    {VERDICT_CHANGED, VERDICT_EXONERATED, VERDICT_FAULT, true},
	    {VERDICT_CHANGED, VERDICT_EXONERATED, VERDICT_HOST, true},
	    {VERDICT_NEW, VERDICT_FAULT, VERDICT_INCONCLUSIVE, true},
	    {VERDICT_CHANGED, VERDICT_INCONCLUSIVE, VERDICT_FAULT, true},
	    {VERDICT_CHANGED, VERDICT_FAULT, VERDICT_INCONCLUSIVE, false},
	    {VERDICT_CHANGED, VERDICT_EXONERATED, VERDICT_INCONCLUSIVE, false},
	    {VERDICT_CHANGED, VERDICT_FAULT, VERDICT_EXONERATED, false},
	    {VERDICT_CHANGED, VERDICT_EXONERATED, VERDICT_EXONERATED, false},
	    {VERDICT_USERS, VERDICT_EXONERATED, VERDICT_FAULT, false},
	    {VERDICT_AGAIN, VERDICT_FAULT, VERDICT_FAULT, false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct verdict v = {
		    .change = rows[i].change, .was = {.kind = rows[i].was}, .conclusion = {.kind = rows[i].now}};

		if (verdict_counts(&v) != rows[i].counts)
			fail_msg("row %zu", i);
	}
}

int main(void)
{
	static const struct CMUnitTest others[] = {
	    cmocka_unit_test(many_users_at_once),
	    cmocka_unit_test(a_mass_is_one_verdict),
	    cmocka_unit_test(revisions_are_bounded),
	    cmocka_unit_test(what_counts),
	};
	static const struct scenario_table table = {
	    .rows = scenarios,
	    .n = sizeof scenarios / sizeof scenarios[0],
	    .others = others,
	    .n_others = sizeof others / sizeof others[0],
	};

	return scenarios_run(&table);
}
