/* SPDX-License-Identifier: MIT */
/*
 * Scenarios for the diagnosis: what is reported, second by second, and the verdicts that must follow.  A program
 * gives its table to scenarios_run; a test that needs more plays steps itself.
 */
#ifndef T3OPS_TESTS_SCENARIO_H
#define T3OPS_TESTS_SCENARIO_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "diagnosis/diagnosis.h"
#include "diagnosis/leg_news.h"
#include "plugin.h"
#include "tbl/reason.h"

struct CMUnitTest;

#define T0      UINT64_C(5000000000)
#define WALL0   UINT64_C(1800000000000000)
#define MS(n)   ((uint64_t)(n)*1000)
#define PERIOD  MS(5000) /* of t3's page */
#define ANSWERS MS(10)   /* how soon a leg answers a probe */
#define RTT     MS(4)    /* of its ping */
#define LIVES   MS(1000) /* how soon the proxy reports live tunnels */
#define SLOWEST MS(2700) /* ping_timeout, grace and a little */

enum what {
	END = 0,
	LEG,
	LEG_GOES,
	MUTES,
	PROBER,
	DROPPED,
	PAGE_ENDS,
	OPEN,
	NAVIGATES,
	PAGE_IS,
	BEATS,
	HOST,
	PROXY_ENDS,
	FINISH,
	RESTART,
	PATIENCE
};

struct step {
	enum what what;
	unsigned at_ms;
	enum leg_input_kind kind;
	const char *leg, *user;
	unsigned step, reason, code;
	unsigned quiet_ms, n;
	bool makes_fresh;
	enum host_event_kind host;
	const char *address, *colo;
	struct page_facts page;
};

/* One line each, so that a scenario reads as a table. */
/* clang-format off */
#define UP(t, l, u)         {.what = LEG, .at_ms = t, .kind = LEG_UP, .leg = l, .user = u}
#define ALIVE(t, l, u)      {.what = LEG, .at_ms = t, .kind = LEG_ALIVE, .leg = l, .user = u}
#define BEAT_IN(t, l, u, rtt) {.what = LEG, .at_ms = t, .kind = LEG_ALIVE, .leg = l, .user = u, .quiet_ms = rtt}
#define LATE(t, l, u)       {.what = LEG, .at_ms = t, .kind = LEG_LATE, .leg = l, .user = u, .quiet_ms = 2000}
#define DOWN(t, l, u, r)    {.what = LEG, .at_ms = t, .kind = LEG_DOWN, .leg = l, .user = u, .step = T3OPS_STEP_OPEN, .reason = T3OPS_R_##r}
#define TRY(t, l, u, s, r, c) {.what = LEG, .at_ms = t, .kind = LEG_ATTEMPT, .leg = l, .user = u, .step = T3OPS_STEP_##s, .reason = T3OPS_R_##r, .code = c}
#define TRY_IN(t, l, s, r, ms) {.what = LEG, .at_ms = t, .kind = LEG_ATTEMPT, .leg = l, .step = T3OPS_STEP_##s, .reason = T3OPS_R_##r, .quiet_ms = ms}
#define TRY_OF(t, l, u, s, r, ms) {.what = LEG, .at_ms = t, .kind = LEG_ATTEMPT, .leg = l, .user = u, .step = T3OPS_STEP_##s, .reason = T3OPS_R_##r, .quiet_ms = ms}
#define RESOLVER(t, l, r)   {.what = LEG, .at_ms = t, .kind = LEG_LOOKED_UP, .leg = l, .reason = T3OPS_R_##r}
#define FRESH(t, l, s, r, c) {.what = LEG, .at_ms = t, .kind = LEG_FRESH, .leg = l, .quiet_ms = 3, .step = T3OPS_STEP_##s, .reason = T3OPS_R_##r, .code = c}
#define FRESH_IN(t, l, s, r, ms) {.what = LEG, .at_ms = t, .kind = LEG_FRESH, .leg = l, .quiet_ms = ms, .step = T3OPS_STEP_##s, .reason = T3OPS_R_##r}
#define RESOLVER_IN(t, l, r, ms) {.what = LEG, .at_ms = t, .kind = LEG_LOOKED_UP, .leg = l, .reason = T3OPS_R_##r, .quiet_ms = ms}
#define LARGE(t, l, r)      {.what = LEG, .at_ms = t, .kind = LEG_LARGE, .leg = l, .quiet_ms = 3, .step = T3OPS_STEP_OPEN, .reason = T3OPS_R_##r}
#define LOOKUP_IN(t, l, ms) {.what = LEG, .at_ms = t, .kind = LEG_LOOKED_UP, .leg = l, .quiet_ms = ms}
#define GONE(t, l, u)       {.what = LEG_GOES, .at_ms = t, .leg = l, .user = u}
/* It would not answer any more, but has not noticed yet. */
#define MUTE(t, l, u)       {.what = MUTES, .at_ms = t, .leg = l, .user = u}
#define MUTE_LARGE(t, l)    {.what = MUTES, .at_ms = t, .leg = l, .user = "", .kind = LEG_LARGE}
/* A leg whose target is that number. */
#define UP_TO(t, l, u, to) {.what = LEG, .at_ms = t, .kind = LEG_UP, .leg = l, .user = u, .n = to}
#define TRY_TO(t, l, u, to, s, r, ms) {.what = LEG, .at_ms = t, .kind = LEG_ATTEMPT, .leg = l, .user = u, .n = to, .step = T3OPS_STEP_##s, .reason = T3OPS_R_##r, .quiet_ms = ms}
#define REPLACED(t)         {.what = PROBER, .at_ms = t}
/* A tunnel whose page is not known: the close reason decides; q: silence before it. */
#define DROP(t, u, r, q)    {.what = DROPPED, .at_ms = t, .user = u, .reason = T3OPS_R_##r, .quiet_ms = q, .address = "192.0.2.1"}
#define DROP_YOUNG(t, u, r, q, age) {.what = DROPPED, .at_ms = t, .user = u, .reason = T3OPS_R_##r, .quiet_ms = q, .n = age, .address = "192.0.2.1"}
/* A tunnel whose page is known. */
#define PAGE(t, u, how, ...) {.what = PAGE_ENDS, .at_ms = t, .user = u, .reason = T3OPS_R_##how, .page = {.heartbeat_known = true, .period_us = PERIOD, .age_us = MS(600000), .carried = true, __VA_ARGS__}}
#define PAGE_OF(t, u, how, age, ...) {.what = PAGE_ENDS, .at_ms = t, .user = u, .reason = T3OPS_R_##how, .page = {.heartbeat_known = true, .period_us = PERIOD, .age_us = MS(age), .carried = true, __VA_ARGS__}}
#define CLOSED_1000         .end = PAGE_END_CLIENT_CLOSE, .code = 1000
#define CLOSED_1001         .end = PAGE_END_CLIENT_CLOSE, .code = 1001
#define CUT                 .end = PAGE_END_CLIENT_CUT, .since_ping_us = MS(2000)
#define OPENED(t, u)        {.what = OPEN, .at_ms = t, .user = u, .address = "192.0.2.2"}
#define SILENT(t, u)        {.what = PAGE_IS, .at_ms = t, .user = u, .page = {.heartbeat_known = true, .since_ping_us = MS(8000)}}
#define WAITS(t, u)         {.what = PAGE_IS, .at_ms = t, .user = u, .page = {.heartbeat_known = true, .waiting_us = MS(7000)}}
#define PINGS(t, u)         {.what = PAGE_IS, .at_ms = t, .user = u, .page = {.heartbeat_known = true}}
#define UNHEARD(t, u)       {.what = PAGE_IS, .at_ms = t, .user = u, .page = {.age_us = MS(3000)}}
/* Over a location of Cloudflare. */
#define UP_FRESH(t, l)      {.what = LEG, .at_ms = t, .kind = LEG_UP, .leg = l, .makes_fresh = true}
#define UP_OVER(t, l, c)    {.what = LEG, .at_ms = t, .kind = LEG_UP, .leg = l, .user = "", .colo = c}
#define PAGE_OVER(t, u, c, from, how, ...) {.what = PAGE_ENDS, .at_ms = t, .user = u, .colo = c, .address = from, .reason = T3OPS_R_##how, .page = {.heartbeat_known = true, .period_us = PERIOD, .age_us = MS(600000), .carried = true, __VA_ARGS__}}
#define OPENED_OVER(t, u, c, from) {.what = OPEN, .at_ms = t, .user = u, .colo = c, .address = from}
/* Its tunnel beats from now on, as BEAT; without a gap since then. */
#define BEAT_OVER(t, u, c)  {.what = BEATS, .at_ms = t, .user = u, .colo = c}
/* The diagnosis is replaced by a new one, which knows what was kept. */
/* The last verdict may take so long. */
#define MAY_TAKE(ms)        {.what = PATIENCE, .n = ms}
#define FINISHED(t)         {.what = FINISH, .at_ms = t}
#define RESTARTED(t)        {.what = RESTART, .at_ms = t}
#define NAVIGATION(t, u)    {.what = NAVIGATES, .at_ms = t, .user = u}
#define NAVIGATION_2(t, u)  {.what = NAVIGATES, .at_ms = t, .user = u, .n = 1}
/* Every probe from now on finds that this user's tunnel beats; n: with answers of the t3 server. */
#define BEAT(t, u, serve)   {.what = BEATS, .at_ms = t, .user = u, .n = serve}
#define LAG(t, of, ms)      {.what = HOST, .at_ms = t, .host = HOST_FROZEN, .leg = of, .n = ms}
/* It ended now, after so long; the clock of all times here stood still meanwhile. */
#define SUSPENDED(t, ms)    {.what = HOST, .at_ms = t, .host = HOST_SUSPENDED, .quiet_ms = ms}
/* It lost its network now; it is back after so long. */
#define OFFLINE(t)          {.what = HOST, .at_ms = t, .host = HOST_OFFLINE}
#define ONLINE(t, ms)       {.what = HOST, .at_ms = t, .host = HOST_OFFLINE, .n = ms}
#define CLOCK_SET(t, ms)    {.what = HOST, .at_ms = t, .host = HOST_CLOCK_SET, .quiet_ms = ms}
/* In the second before. */
#define OOM_KILL(t)         {.what = HOST, .at_ms = t, .host = HOST_OOM_KILL, .n = 1000}
#define PROXY_GONE(t)       {.what = PROXY_ENDS, .at_ms = t}
#define PROXY_HUNG(t)       {.what = PROXY_ENDS, .at_ms = t, .n = 1}
#define STARVED(t, ms)      {.what = HOST, .at_ms = t, .host = HOST_STARVED, .n = ms}
#define STRAINED(t, ms)     {.what = HOST, .at_ms = t, .host = HOST_STRAINED, .n = ms}
/* clang-format on */

#define ALL_LARGE LARGE(3, "cf", NONE), LARGE(3, "int", NONE)
#define ALL_FRESH FRESH(2, "cf", OPEN, NONE, 0), FRESH(2, "int", OPEN, NONE, 0)
#define ALL_UP    UP(1, "cf", ""), UP(1, "int", ""), UP(1, "srv", "alice"), UP(1, "srv", "bob"), RESOLVER(1, "cf", NONE)

/* None of them is heard in time any more. */
#define SLOW_ALL(t) MUTE(t, "cf", ""), MUTE(t, "int", ""), MUTE(t, "srv", "alice"), MUTE(t, "srv", "bob")

#define ALL_UP_AT(t) UP(t, "cf", ""), UP(t, "int", ""), UP(t, "srv", "alice"), UP(t, "srv", "bob")

struct scenario {
	const char *name;
	/* Verdicts in order, each with its users: "cloudflare[alice]".  > narrowed, ! changed, + more users, * again,
	 * ~ healed, ^ expired, ? a login page.  The number is the verdict's. */
	const char *want;
	struct step steps[40];
	const char *says; /* in the text of the last verdict */
};

/* How the last verdict of a scenario shows; "": in no way of its own. */
struct scenario_symptom {
	const char *scenario, *symptom;
};

struct answering {
	const char *name, *user, *colo;
	bool answers;
	bool fresh; /* it makes fresh connections, and they work */
	bool large; /* it sends large messages, and they are answered */
};

struct due {
	uint64_t at_us, since_us;
	bool tunnels; /* live tunnels report, else legs */
};

/* One diagnosis, what its world does, and what it said. */
struct run {
	struct diagnosis *diagnosis;
	uint64_t now_us, slowest_us, incident, verdicts;
	unsigned probes;
	struct answering legs[24];
	size_t n_legs;
	struct {
		const char *user, *colo;
		uint64_t steady_us;
		bool serve;
	} beats[4];
	size_t n_beats;
	struct {
		char user[16];
		enum browser_goodbye goodbye;
		bool http2;
	} browsers[64];
	size_t n_browsers;
	struct due due[64];
	size_t n_due;
	char got[8192], text[2048];
	const char *symptom;
	unsigned counted; /* verdicts, not revisions */
	unsigned drops, late_drops, hurt_probes;
	size_t n_observations;
	FILE *acts;  /* NULL: nothing is written down */
	bool copies; /* after every step its copy takes its place */
};

/* All of one program; what is not there is NULL. */
struct scenario_table {
	const struct scenario *rows;
	size_t n;
	const struct scenario_symptom *symptoms;
	size_t n_symptoms;
	const struct CMUnitTest *others;
	size_t n_others;
};

void scenario_begin(struct run *r);
void scenario_end(struct run *r);
void scenario_step(struct run *r, const struct step *s);
/* Lets the time pass, as timers and answers would. */
void scenario_pass(struct run *r, uint64_t until_us);
/* Plays the table's rows and the other tests; what main returns. */
int scenarios_run(const struct scenario_table *t);

#endif
