/* SPDX-License-Identifier: MIT */
/* The diagnosis: what is reported, second by second, against the verdicts that must follow. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "diagnosis/diagnosis.h"
#include "diagnosis/incident_timing.h"
#include "diagnosis/summary.h"
#include "diagnosis/symptom.h"
#include "plugin.h"

#define T0      UINT64_C(5000000000)
#define WALL0   UINT64_C(1800000000000000)
#define MS(n)   ((uint64_t)(n)*1000)
#define PERIOD  MS(5000) /* of t3's page */
#define ANSWERS MS(10)   /* how soon a leg answers a probe */
#define RTT     MS(4)    /* of its ping */
#define LIVES   MS(1000) /* how soon the proxy reports live tunnels */
#define SLOWEST MS(2700) /* ping_timeout, grace and a little */

#define LIST(...)                                                                                                    \
	{                                                                                                            \
		(const char *const[]){__VA_ARGS__}, sizeof((const char *const[]){__VA_ARGS__}) / sizeof(char *)      \
	}

static const struct leg_shape legs[] = {
    {.name = "cf",
     .segments = LIST("wan", "cloudflare", "tunnel", "traefik", "dispatch"),
     .edge = "cloudflare",
     .resolver_segments = LIST("wan", "dns")},
    {.name = "int", .segments = LIST("traefik", "dispatch"), .edge = "traefik"},
    {.name = "srv", .segments = LIST("serve"), .edge = "", .per_user = true},
};

static const struct path_shape shape = {
    .user_path = LIST("last_mile", "wan", "cloudflare", "tunnel", "traefik", "dispatch", "serve"),
    .per_user = LIST("last_mile", "serve"),
    .legs = legs,
    .n_legs = 3,
};

/* ---- the script ---------------------------------------------------------------------------------------- */

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
	RESTART
};

struct step {
	enum what what;
	unsigned at_ms;
	enum leg_input_kind kind;
	const char *leg, *user;
	unsigned step, reason, code;
	unsigned quiet_ms, n;
	enum host_event_kind host;
	const char *address;
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
/* The diagnosis is replaced by a new one, which knows what was kept. */
#define FINISHED(t)         {.what = FINISH, .at_ms = t}
#define RESTARTED(t)        {.what = RESTART, .at_ms = t}
#define NAVIGATION(t, u)    {.what = NAVIGATES, .at_ms = t, .user = u}
#define NAVIGATION_2(t, u)  {.what = NAVIGATES, .at_ms = t, .user = u, .n = 1}
/* Every probe from now on finds that this user's tunnel beats; n: with answers of the t3 server. */
#define BEAT(t, u, serve)   {.what = BEATS, .at_ms = t, .user = u, .n = serve}
#define LAG(t, of, ms)      {.what = HOST, .at_ms = t, .host = HOST_FROZEN, .leg = of, .n = ms}
/* It ended now, after so long; the clock of all times here stood still meanwhile. */
#define SUSPENDED(t, ms)    {.what = HOST, .at_ms = t, .host = HOST_SUSPENDED, .quiet_ms = ms}
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

/* ---- the world ------------------------------------------------------------------------------------------- */

struct answering {
	const char *name, *user;
	bool answers;
	bool fresh; /* it makes fresh connections, and they work */
	bool large; /* it sends large messages, and they are answered */
};

struct due {
	uint64_t at_us, since_us;
	bool tunnels; /* live tunnels report, else legs */
};

struct run {
	struct diagnosis *diagnosis;
	uint64_t now_us, slowest_us, incident, verdicts;
	unsigned probes;
	struct answering legs[8];
	size_t n_legs;
	struct {
		const char *user;
		bool serve;
	} beats[4];
	size_t n_beats;
	struct due due[64];
	size_t n_due;
	char got[8192], text[2048];
	const char *symptom;
	unsigned counted; /* verdicts, not revisions */
	unsigned drops, late_drops, hurt_probes;
	size_t n_observations;
};

__attribute__((format(printf, 2, 3))) static void note(struct run *r, const char *fmt, ...)
{
	size_t used = strlen(r->got);
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(r->got + used, sizeof r->got - used, fmt, ap);
	va_end(ap);
	assert_true(strlen(r->got) < sizeof r->got - 1);
}

static void verdict_note(struct run *r, const char *mark, const struct verdict *v)
{
	note(r, "%s%s", r->got[0] != '\0' ? "; " : "", mark);
	if (verdict_kind_name(v->conclusion.kind) != NULL)
		note(r, "%s", verdict_kind_name(v->conclusion.kind));
	for (size_t i = 0; v->conclusion.kind == VERDICT_FAULT && i < v->conclusion.suspects.n; i++)
		note(r, "%s%s", i > 0 ? " " : "", v->conclusion.suspects.segments[i]);
	note(r, "#%d", (int)v->id);
	for (size_t i = 0; i < v->users.n; i++)
		note(r, "%s%s%s", i == 0 ? "[" : " ", v->users.names[i], i + 1 == v->users.n ? "]" : "");
}

static void on_probe(void *arg, uint64_t incident, uint64_t since_us, const char *user)
{
	struct run *r = arg;

	if (user != NULL) {
		r->hurt_probes++;
		return;
	}
	assert_true(since_us <= r->now_us);
	assert_true(incident >= r->incident);
	assert_true(r->n_due + 2 <= sizeof r->due / sizeof r->due[0]);
	r->incident = incident;
	r->probes++;
	r->due[r->n_due++] = (struct due){r->now_us + ANSWERS, since_us, false};
	r->due[r->n_due++] = (struct due){r->now_us + LIVES, since_us, true};
}

static void on_verdict(void *arg, const struct verdict_basis *b)
{
	static const char *const marks[] = {"", ">", "!", "+", "*"};
	struct run *r = arg;
	const struct verdict *v = b->verdict;
	char *text = summary_make(b);

	verdict_note(r, marks[v->change], v);
	r->counted += verdict_counts(v);
	r->symptom = symptom_name(symptom_of(b));
	assert_int_equal(r->symptom != NULL, symptom_words(symptom_of(b)) != NULL);
	assert_true(r->symptom == NULL || strstr(text, symptom_words(symptom_of(b))) != NULL);
	assert_int_equal(v->change == VERDICT_NEW, v->revision == 1);
	assert_true(v->revision <= REVISIONS_MAX);
	assert_int_equal(verdict_exonerates(v, b->topology), strstr(text, "infra exonerated") != NULL);
	assert_true(text[0] != '\0');
	assert_true(b->wall_us == v->drop_wall_us + b->delay_us);
	if (v->revision == 1 && b->delay_us > r->slowest_us)
		r->slowest_us = b->delay_us;
	snprintf(r->text, sizeof r->text, "%s", text);
	r->n_observations = b->observations->n;
	free(text);
}

static void on_dropped(void *arg, const struct drop *drop, bool late)
{
	struct run *r = arg;

	assert_true(drop->user != NULL);
	r->drops++;
	r->late_drops += late;
}

static void on_ended(void *arg, const struct verdict *v)
{
	verdict_note(arg, v->state == VERDICT_HEALED ? "~" : "^", v);
}

static void on_walled_off(void *arg, const char *leg)
{
	struct run *r = arg;

	note(r, "%s?%s", r->got[0] != '\0' ? "; " : "", leg);
}

static void on_host(void *arg, const struct host_event *e)
{
	struct run *r = arg;

	note(r, "%s(%s)", r->got[0] != '\0' ? "; " : "", host_event_name(e->kind));
}

static void on_look(void *arg, struct diagnosis *d)
{
	(void)arg, (void)d;
}

static void on_slow(void *arg, const struct slow_report *report)
{
	struct run *r = arg;

	note(r, "%s%s", r->got[0] != '\0' ? "; " : "", report->over ? "fine" : "slow:");
	for (size_t i = 0; !report->over && i < report->where->n; i++)
		note(r, "%s%s", i > 0 ? " " : "", report->where->segments[i]);
}

static const struct diagnosis_actions actions = {.probe = on_probe,
                                                 .dropped = on_dropped,
                                                 .verdict = on_verdict,
                                                 .ended = on_ended,
                                                 .slow = on_slow,
                                                 .walled_off = on_walled_off,
                                                 .host = on_host,
                                                 .look = on_look};

static const char *or_empty(const char *text)
{
	return text != NULL ? text : "";
}

/* ---- time ---------------------------------------------------------------------------------------------------- */

static void leg_answer(struct run *r, const struct answering *a, enum leg_input_kind kind)
{
	struct leg_report report = {.kind = kind,
	                            .name = a->name,
	                            .user = a->user,
	                            .wall_us = WALL0 + (r->now_us - T0),
	                            .mono_us = r->now_us,
	                            .waited_us = RTT};

	assert_int_equal(diagnosis_leg(r->diagnosis, &report, r->now_us), 0);
}

/* What the probe of then brings now. */
static void due_deliver(struct run *r, const struct due *due)
{
	for (size_t i = 0; !due->tunnels && i < r->n_legs; i++) {
		if (r->legs[i].answers)
			leg_answer(r, &r->legs[i], LEG_ALIVE);
		if (r->legs[i].answers && r->legs[i].fresh)
			leg_answer(r, &r->legs[i], LEG_FRESH);
		if (r->legs[i].answers && r->legs[i].large)
			leg_answer(r, &r->legs[i], LEG_LARGE);
	}
	for (size_t i = 0; due->tunnels && i < r->n_beats; i++) {
		uint64_t beat = r->now_us - r->now_us % PERIOD;
		struct live_report live = {r->beats[i].user, beat, r->beats[i].serve ? beat : 0};

		if (beat > due->since_us)
			assert_int_equal(diagnosis_tunnel_live(r->diagnosis, &live, r->now_us), 0);
	}
}

static size_t due_next(const struct run *r)
{
	size_t next = SIZE_MAX;

	for (size_t i = 0; i < r->n_due; i++)
		if (next == SIZE_MAX || r->due[i].at_us < r->due[next].at_us)
			next = i;
	return next;
}

/* Lets the time pass, as timers and answers would. */
static void pass(struct run *r, uint64_t until_us)
{
	uint64_t tick;

	for (;;) {
		size_t next = due_next(r);
		struct due due = {.at_us = UINT64_MAX};

		assert_int_equal(diagnosis_tick(r->diagnosis, r->now_us, &tick), 0);
		assert_true(tick > r->now_us);
		if (next != SIZE_MAX)
			due = r->due[next];
		if (due.at_us > until_us && tick > until_us)
			break;
		r->now_us = due.at_us < tick ? due.at_us : tick;
		if (due.at_us != r->now_us)
			continue;
		r->due[next] = r->due[--r->n_due];
		due_deliver(r, &due);
	}
	r->now_us = until_us;
}

/* ---- reports ----------------------------------------------------------------------------------------------------
 */

static void leg_follow(struct run *r, const struct step *s)
{
	size_t i = 0;

	while (i < r->n_legs &&
	       (strcmp(r->legs[i].name, s->leg) != 0 || strcmp(r->legs[i].user, or_empty(s->user)) != 0))
		i++;
	if (i == r->n_legs)
		r->legs[r->n_legs++] = (struct answering){s->leg, or_empty(s->user), false, false, false};
	if (s->what == LEG && s->kind == LEG_FRESH)
		r->legs[i].fresh = s->reason == T3OPS_R_NONE;
	else if (s->kind == LEG_LARGE)
		r->legs[i].large = s->what == LEG && s->reason == T3OPS_R_NONE;
	else
		r->legs[i].answers = s->what == LEG && (s->kind == LEG_UP || s->kind == LEG_ALIVE);
}

static int leg_play(struct run *r, const struct step *s)
{
	struct leg_report report = {.kind = s->kind,
	                            .name = s->leg,
	                            .user = or_empty(s->user),
	                            .step = (uint16_t)s->step,
	                            .reason = (uint16_t)s->reason,
	                            .code = (uint16_t)s->code,
	                            .wall_us = WALL0 + MS(s->at_ms),
	                            .mono_us = r->now_us,
	                            .waited_us = s->kind == LEG_ALIVE && s->quiet_ms == 0 ? RTT : MS(s->quiet_ms)};

	if (s->kind != LEG_LOOKED_UP)
		leg_follow(r, s);
	return diagnosis_leg(r->diagnosis, &report, r->now_us);
}

static int end_play(struct run *r, const struct step *s)
{
	struct end_report report = {.user = s->user,
	                            .address = or_empty(s->address),
	                            .colo = "",
	                            .why = s->page.end == PAGE_END_LOST ? "the proxy died" : "",
	                            .reason = (uint16_t)s->reason,
	                            .dropped = s->what == DROPPED,
	                            .wall_us = WALL0 + MS(s->at_ms),
	                            .mono_us = r->now_us,
	                            .age_us = s->page.age_us > 0 ? s->page.age_us : MS(s->n),
	                            .idle_client_us = MS(s->quiet_ms),
	                            .idle_upstream_us = MS(s->quiet_ms),
	                            .page = s->page};

	return diagnosis_tunnel_end(r->diagnosis, &report, r->now_us);
}

static int host_play(struct run *r, const struct step *s)
{
	struct host_event e = {.kind = s->host,
	                       .process = s->leg,
	                       .prober = strcmp(or_empty(s->leg), "prober") == 0,
	                       .proxy = strcmp(or_empty(s->leg), "proxy") == 0,
	                       .from_us = r->now_us - MS(s->n),
	                       .until_us = r->now_us,
	                       .length_us = MS(s->n) + MS(s->quiet_ms),
	                       .kills = s->host == HOST_OOM_KILL};

	return diagnosis_host(r->diagnosis, &e, r->now_us);
}

static void diagnosis_make(struct run *r);

static int restart_play(struct run *r)
{
	struct diagnosis *before = r->diagnosis;
	const struct verdict_table *verdicts = diagnosis_verdicts(before);

	diagnosis_make(r);
	for (size_t i = 0; i < verdicts->n; i++) {
		struct recall kept;

		assert_int_equal(recall_init(&kept, verdicts->rows[i], diagnosis_legs(before)), 0);
		assert_int_equal(diagnosis_recall(r->diagnosis, &kept, r->now_us), 0);
		assert_int_equal(diagnosis_recall(r->diagnosis, &kept, r->now_us), -EEXIST);
		recall_fini(&kept);
	}
	diagnosis_free(before);
	return 0;
}

static int report(struct run *r, const struct step *s)
{
	struct open_report open = {s->user, or_empty(s->address), ""};

	switch (s->what) {
	case LEG:
		return leg_play(r, s);
	case LEG_GOES:
		leg_follow(r, s);
		return diagnosis_leg_gone(r->diagnosis, s->leg, or_empty(s->user), r->now_us);
	case MUTES:
		leg_follow(r, s);
		return 0;
	case PROBER:
		r->n_legs = 0;
		diagnosis_prober_replaced(r->diagnosis, WALL0 + MS(s->at_ms));
		return 0;
	case DROPPED:
	case PAGE_ENDS:
		return end_play(r, s);
	case OPEN:
		return diagnosis_tunnel_open(r->diagnosis, &open, r->now_us);
	case PAGE_IS:
		return diagnosis_page(r->diagnosis, s->user, &s->page, WALL0 + MS(s->at_ms), r->now_us);
	case NAVIGATES:
		return diagnosis_navigation(r->diagnosis, s->user, s->n > 0, r->now_us);
	case BEATS:
		r->beats[r->n_beats].user = s->user;
		r->beats[r->n_beats++].serve = s->n > 0;
		return diagnosis_tunnel_open(r->diagnosis, &open, r->now_us);
	case HOST:
		return host_play(r, s);
	case PROXY_ENDS:
		return diagnosis_proxy_gone(r->diagnosis, s->n > 0, r->now_us, r->now_us);
	case FINISH:
		return diagnosis_finish(r->diagnosis, r->now_us);
	case RESTART:
		return restart_play(r);
	case END:
		break;
	}
	return -1;
}

static void step_play(struct run *r, const struct step *s)
{
	pass(r, T0 + MS(s->at_ms));
	assert_int_equal(report(r, s), 0);
}

/* ---- what must follow --------------------------------------------------------------------------------------------
 */

static const struct scenario scenarios[] = {
    /* New connections fail while old ones live. */
    {"the edge answers new connections 530: the tunnel, although the leg's own connection lives",
     "tunnel#1; ~tunnel#1",
     {ALL_UP, ALL_FRESH, BEAT(3, "bob", 1), FRESH(20000, "cf", HTTP, HTTP_STATUS, 530),
      FRESH(21000, "cf", HTTP, HTTP_STATUS, 530), FRESH(40000, "cf", OPEN, NONE, 0)},
     "a fresh connection of cf failed at http (http_status 530) while cf 4 ms, int 4 ms, "
     "srv(alice) 4 ms, srv(bob) 4 ms answered; new connections "
     "fail, old ones live"},
    {"traefik refuses new connections",
     "traefik#1; ~traefik#1",
     {ALL_UP, ALL_FRESH, FRESH(20000, "int", CONNECT, REFUSED, 0), FRESH(20005, "cf", HTTP, HTTP_STATUS, 502),
      FRESH(40000, "int", OPEN, NONE, 0), FRESH(40010, "cf", OPEN, NONE, 0)},
     "new connections fail, old ones live"},
    {"dispatch refuses new connections",
     "dispatch#1",
     {ALL_UP, ALL_FRESH, FRESH(20000, "int", HTTP, HTTP_STATUS, 502), FRESH(20005, "cf", HTTP, HTTP_STATUS, 502)},
     "new connections fail, old ones live"},
    {"the edge refuses new connections",
     "cloudflare#1",
     {ALL_UP, ALL_FRESH, FRESH(20000, "cf", CONNECT, REFUSED, 0)},
     "a fresh connection of cf failed at connect (refused)"},
    {"a leg that makes no fresh connections acquits with its heartbeats",
     "tunnel#1",
     {ALL_UP, FRESH(2, "cf", OPEN, NONE, 0), FRESH(20000, "cf", HTTP, HTTP_STATUS, 530)},
     NULL},
    {"new connections fail, then the old one, too: one fault",
     "tunnel#1; ~tunnel#1",
     {ALL_UP, ALL_FRESH, FRESH(20000, "cf", HTTP, HTTP_STATUS, 530), DOWN(30000, "cf", "", CLOSED),
      TRY(30050, "cf", "", HTTP, HTTP_STATUS, 530), UP(50000, "cf", "")},
     NULL},
    {"a heartbeat is missing, and a fresh connection tells how far one gets",
     "cloudflare tunnel#1",
     {ALL_UP, ALL_FRESH, MUTE(19000, "cf", ""), LATE(20000, "cf", ""), FRESH(20100, "cf", HTTP, HTTP_TIMEOUT, 0)},
     "cf failed at http (http_timeout)"},
    {"a heartbeat was late, and so was the fresh connection: nothing broke",
     "",
     {ALL_UP, ALL_FRESH, LATE(20000, "cf", ""), FRESH(20050, "cf", HTTP, HTTP_TIMEOUT, 0), ALIVE(20100, "cf", ""),
      FRESH(20200, "cf", OPEN, NONE, 0)},
     NULL},
    {"new connections of the prober alone are refused: users open tunnels meanwhile",
     "tunnel#1; !prober#1; ~prober#1",
     {ALL_UP, ALL_FRESH, FRESH(20000, "cf", HTTP, HTTP_STATUS, 403), OPENED(30000, "alice"),
      FRESH(31000, "cf", HTTP, HTTP_STATUS, 403), FRESH(55000, "cf", HTTP, HTTP_STATUS, 403),
      FRESH(90000, "cf", OPEN, NONE, 0)},
     NULL},
    {"new connections fail, and a user's tunnel is the first that works again: it acquits nothing",
     "tunnel#1; ~tunnel#1",
     {ALL_UP, ALL_FRESH, FRESH(20000, "cf", HTTP, HTTP_STATUS, 530), OPENED(30000, "alice"),
      FRESH(31000, "cf", OPEN, NONE, 0)},
     NULL},
    {"the tunnel is cut for new and old: a user's tunnel is the first that works again",
     "tunnel#1; ~tunnel#1",
     {ALL_UP, ALL_FRESH, DOWN(20000, "cf", "", CLOSED), TRY(20050, "cf", "", HTTP, HTTP_STATUS, 530),
      OPENED(30000, "alice"), UP(31000, "cf", "")},
     NULL},
    {"a fresh connection meets a login page, once more",
     "?cf",
     {ALL_UP, ALL_FRESH, FRESH(20000, "cf", HTTP, WALLED_OFF, 302), FRESH(50000, "cf", HTTP, WALLED_OFF, 302)},
     NULL},
    {"a fresh connection that we ended", "", {ALL_UP, ALL_FRESH, FRESH(20000, "cf", CONNECT, LOCAL, 0)}, NULL},
    {"a fresh connection that worked after a user dropped acquits like a heartbeat",
     "exonerated#1[alice]; ~exonerated#1[alice]",
     {ALL_UP, ALL_FRESH, DROP(20000, "alice", CLIENT_EOF, 10), OPENED(26000, "alice")},
     NULL},

    /* Large messages are lost while small ones are answered. */
    {"large messages are lost before traefik",
     "wan cloudflare tunnel#1; ~wan cloudflare tunnel#1",
     {ALL_UP, ALL_FRESH, ALL_LARGE, BEAT(4, "bob", 1), LARGE(20000, "cf", LARGE_LOST), LARGE(50000, "cf", LARGE_LOST),
      LARGE(80000, "cf", NONE)},
     "a large message of cf was lost while cf 4 ms, int 4 ms, srv(alice) 4 ms, srv(bob) 4 ms answered; large "
     "messages "
     "only: small ones are answered (MTU?)"},
    {"large messages are lost, and a page breaks: not its user's network",
     "exonerated#1[alice]; !wan cloudflare tunnel#1[alice]",
     {ALL_UP, ALL_FRESH, LARGE(3, "int", NONE), DROP(20000, "alice", CLIENT_GAVE_UP, 100),
      LARGE(25000, "cf", LARGE_LOST)},
     "large messages only: small ones are answered (MTU?)"},
    {"a large message is lost while the leg itself fails: nothing more than that",
     "wan cloudflare tunnel#1; ~wan cloudflare tunnel#1",
     {ALL_UP, ALL_FRESH, ALL_LARGE, MUTE(19000, "cf", ""), LATE(20000, "cf", ""), LARGE(20100, "cf", LARGE_LOST),
      DOWN(38000, "cf", "", HEARTBEAT_TIMEOUT), UP(39000, "cf", "")},
     "cf stopped answering"},

    /* Legs and tunnels. */
    {"the edge is cut: refused, while everything inside works",
     "cloudflare#1[alice]; ~cloudflare#1[alice]",
     {ALL_UP, DOWN(100, "cf", "", EOF), DROP(110, "alice", CLIENT_EOF, 900), TRY(1110, "cf", "", CONNECT, REFUSED, 0),
      UP(9000, "cf", ""), OPENED(9100, "alice")},
     "cf failed at connect (refused)"},
    {"the edge is cut: no answer at all, the resolver asked meanwhile",
     "cloudflare#1",
     {ALL_UP, DOWN(100, "cf", "", HEARTBEAT_TIMEOUT), RESOLVER(1100, "cf", NONE),
      TRY(2200, "cf", "", TLS, CONNECT_TIMEOUT, 0)},
     NULL},
    {"no way out, but the address is still cached: it acquits no resolver and no wan",
     "wan cloudflare#1",
     {ALL_UP, DOWN(100, "cf", "", HEARTBEAT_TIMEOUT), TRY(1200, "cf", "", CONNECT, UNREACHABLE, 0)},
     NULL},
    {"the tunnel is cut: the edge says 502",
     "tunnel#1[alice bob]; ~tunnel#1[alice bob]",
     {ALL_UP, MUTE(90, "cf", ""), DROP(100, "alice", CLIENT_RESET, 100), DROP(105, "bob", CLIENT_RESET, 100),
      DOWN(150, "cf", "", CLOSED), TRY(300, "cf", "", HTTP, HTTP_STATUS, 502), UP(5000, "cf", "")},
     "alice lost 1 WebSocket"},
    {"traefik is cut",
     "traefik#1[alice]; ~traefik#1[alice]",
     {ALL_UP, DOWN(100, "int", "", EOF), DOWN(101, "cf", "", CLOSED), DROP(102, "alice", CLIENT_EOF, 10),
      TRY(200, "int", "", CONNECT, REFUSED, 0), TRY(250, "cf", "", HTTP, HTTP_STATUS, 502), UP(4000, "int", ""),
      UP(4500, "cf", "")},
     NULL},
    {"the t3 server of alice stalls; her page gives up after it was healed",
     "serve(alice)#1; ~serve(alice)#1; +serve(alice)#1[alice]",
     {ALL_UP, LATE(3000, "srv", "alice"), UP(9000, "srv", "alice"), DROP(15000, "alice", CLIENT_GAVE_UP, 14000)},
     "the fault of verdict 1 affected more users: alice lost 1 WebSocket"},
    {"the t3 server of alice stalls; a tunnel opened after its end drops for another reason",
     "serve(alice)#1; ~serve(alice)#1; exonerated#2[alice]; ~exonerated#2[alice]",
     {ALL_UP, LATE(3000, "srv", "alice"), UP(9000, "srv", "alice"), DROP_YOUNG(11000, "alice", CLIENT_EOF, 500, 1000),
      OPENED(14000, "alice")},
     NULL},
    {"a stalled server goes on: what its page does then is its echo, not the user's network",
     "serve(alice)#1; ~serve(alice)#1; +serve(alice)#1[alice]",
     {ALL_UP, LATE(3000, "srv", "alice"), ALIVE(12000, "srv", "alice"),
      DROP_YOUNG(12100, "alice", CLIENT_EOF, 500, 600000)},
     NULL},
    {"a stalled server answers everything at once, too late for a page whose patience is over",
     "serve(alice)#1; ~serve(alice)#1; +serve(alice)#1[alice]",
     {ALL_UP, LATE(3000, "srv", "alice"), ALIVE(12000, "srv", "alice"),
      PAGE(12100, "alice", CLIENT_CLOSED, CLOSED_1000, .since_ping_us = MS(10)), OPENED(13500, "alice")},
     "the fault of verdict 1 affected more users: alice lost 1 WebSocket (answers_lost"},
    {"answers that were lost long after are no echo of it",
     "serve(alice)#1; ~serve(alice)#1; last_mile(alice)#2[alice]; ~last_mile(alice)#2[alice]",
     {ALL_UP, LATE(3000, "srv", "alice"), ALIVE(12000, "srv", "alice"),
      PAGE(45000, "alice", CLIENT_CLOSED, CLOSED_1000, .since_ping_us = MS(10)), OPENED(56500, "alice")},
     NULL},
    {"several users, one cause, noticed in several ways: one verdict",
     "wan cloudflare tunnel#1[alice carol dave]; +wan cloudflare tunnel#1[alice carol dave bob]; ~wan cloudflare "
     "tunnel#1[alice carol dave bob]",
     {ALL_UP, MUTE(19000, "cf", ""), LATE(21000, "cf", ""),
      PAGE(21500, "alice", CLIENT_CLOSED, CLOSED_1000, .late_pings = 2), PAGE(21600, "bob", CLIENT_RESET, CUT),
      PAGE(21700, "carol", CLIENT_CLOSED, CLOSED_1000, .late_pings = 2),
      PAGE(21800, "dave", CLIENT_CLOSED, CLOSED_1000, .late_pings = 3), OPENED(24000, "bob"), UP(30000, "cf", "")},
     NULL},
    {"a look-up that was begun while the second way out was lost ends when it is back: an echo",
     "wan dns#1; ~wan dns#1",
     {ALL_UP, DOWN(100, "cf", "", RESET), TRY(800, "cf", "", DNS, DNS, 0), UP(4000, "cf", ""),
      RESOLVER_IN(4010, "cf", DNS, 3000), RESOLVER(4300, "cf", NONE)},
     NULL},
    {"a fresh connection that was begun before the end of a fault",
     "tunnel#1; ~tunnel#1",
     {ALL_UP, ALL_FRESH, DOWN(20000, "cf", "", CLOSED), TRY(20050, "cf", "", HTTP, HTTP_STATUS, 530),
      UP(31000, "cf", ""), FRESH_IN(31100, "cf", HTTP, HTTP_TIMEOUT, 5000), FRESH(40000, "cf", OPEN, NONE, 0)},
     NULL},
    {"what was refused works again for one leg first: what another one tried before says nothing",
     "dispatch#1; ~dispatch#1",
     {ALL_UP, ALL_FRESH, FRESH(20000, "int", HTTP, HTTP_STATUS, 502), FRESH(20005, "cf", HTTP, HTTP_STATUS, 502),
      FRESH(60000, "int", OPEN, NONE, 0), FRESH(80000, "cf", OPEN, NONE, 0)},
     NULL},
    {"new connections work again for users first: what legs tried before is not unknown",
     "dispatch#1; ~dispatch#1",
     {ALL_UP, ALL_FRESH, FRESH(20000, "int", HTTP, HTTP_STATUS, 502), FRESH(20005, "cf", HTTP, HTTP_STATUS, 502),
      OPENED(60000, "alice"), OPENED(80000, "bob"), FRESH(90000, "int", OPEN, NONE, 0),
      FRESH(90010, "cf", OPEN, NONE, 0)},
     NULL},
    {"one that is begun after it is none",
     "tunnel#1; ~tunnel#1; tunnel traefik dispatch#2",
     {ALL_UP, ALL_FRESH, DOWN(20000, "cf", "", CLOSED), TRY(20050, "cf", "", HTTP, HTTP_STATUS, 530),
      UP(31000, "cf", ""), FRESH(31100, "cf", HTTP, HTTP_STATUS, 530)},
     NULL},
    {"many servers stall at once, and the pages notice when it is over: one fault, no echo",
     "serve#1; ~serve#1; +serve#1[alice bob]",
     {UP(1, "srv", "alice"),
      UP(1, "srv", "bob"),
      UP(1, "srv", "carol"),
      UP(1, "srv", "dave"),
      UP(1, "srv", "erin"),
      UP(1, "cf", ""),
      MUTE(2990, "srv", "alice"),
      MUTE(2990, "srv", "bob"),
      MUTE(2990, "srv", "carol"),
      MUTE(2990, "srv", "dave"),
      MUTE(2990, "srv", "erin"),
      LATE(3000, "srv", "alice"),
      LATE(3010, "srv", "bob"),
      LATE(3020, "srv", "carol"),
      LATE(3030, "srv", "dave"),
      LATE(3040, "srv", "erin"),
      ALIVE(9000, "srv", "alice"),
      ALIVE(9010, "srv", "bob"),
      ALIVE(9020, "srv", "carol"),
      ALIVE(9030, "srv", "dave"),
      ALIVE(9040, "srv", "erin"),
      PAGE(12000, "alice", CLIENT_CLOSED, CLOSED_1000, .waiting_us = MS(10000)),
      PAGE(12010, "bob", CLIENT_CLOSED, CLOSED_1000, .waiting_us = MS(10000))},
     NULL},
    {"the t3 server of alice crashes",
     "serve(alice)#1[alice]; ~serve(alice)#1[alice]",
     {ALL_UP, DROP(100, "alice", UPSTREAM_EOF, 10), DOWN(101, "srv", "alice", REFUSED),
      TRY(1000, "srv", "alice", CONNECT, REFUSED, 0), UP(3000, "srv", "alice"), OPENED(3100, "alice")},
     NULL},
    {"the t3 server of alice ends her tunnel and answers at once: it was the server all the same",
     "serve(alice)#1[alice]; ~serve(alice)#1[alice]",
     {ALL_UP, PAGE(100, "alice", UPSTREAM_CLOSED, .end = PAGE_END_SERVER), OPENED(3100, "alice")},
     "alice lost 1 WebSocket (server_ended"},
    {"its WebSocket is dead while its HTTP answers: the page's evidence stands",
     "serve(alice)#1[alice]",
     {ALL_UP, PAGE(10000, "alice", CLIENT_CLOSED, CLOSED_1000, .waiting_us = MS(10000))},
     "server_late"},

    /* What may be said of a user's own network. */
    {"everything of ours answers after the drop: infra is ruled out, the cause is not proven",
     "exonerated#1[alice]; ~exonerated#1[alice]",
     {ALL_UP, DROP(100, "alice", CLIENT_RESET, 12000), OPENED(6000, "alice")},
     "infra exonerated, cause unproven: alice lost 1 WebSocket (client_reset after 12.0 s of silence) while cf 4 ms, "
     "int 4 "
     "ms"},
    {"she is back from another address before the verdict",
     "exonerated#1[alice]; ~exonerated#1[alice]",
     {ALL_UP, DROP(100, "alice", CLIENT_EOF, 0), OPENED(600, "alice")},
     "another address"},
    {"two users at once are named together",
     "exonerated#1[alice bob]",
     {ALL_UP, DROP(100, "alice", CLIENT_EOF, 10), DROP(150, "bob", CLIENT_TIMEOUT, 10)},
     NULL},
    {"her page was awake and not heard, and every leg was good since: her last mile",
     "last_mile(alice)#1[alice]; ~last_mile(alice)#1[alice]",
     {ALL_UP, PAGE(20000, "alice", CLIENT_CLOSED, CLOSED_1000, .late_pings = 2), OPENED(21000, "alice")},
     "infra exonerated: alice lost 1 WebSocket (late_pings"},
    {"her next hop took no answers: her last mile, never the server",
     "last_mile(alice)#1[alice]",
     {ALL_UP, PAGE(20000, "alice", CLIENT_CLOSED, CLOSED_1000, .waiting_us = MS(10000), .queued_us = MS(9000))},
     "answers_not_taken"},
    {"late Pings of two users, and a leg that was late with them: what they share",
     "wan cloudflare tunnel#1[alice bob]",
     {ALL_UP, LATE(15000, "cf", ""), PAGE(16000, "alice", CLIENT_CLOSED, CLOSED_1000, .late_pings = 2),
      PAGE(16050, "bob", CLIENT_CLOSED, CLOSED_1000, .late_pings = 2)},
     NULL},
    {"her page's evidence comes with a second tunnel",
     "exonerated#1[alice]; !last_mile(alice)#1[alice]",
     {ALL_UP, DROP(20000, "alice", CLIENT_EOF, 10),
      PAGE(23000, "alice", CLIENT_CLOSED, CLOSED_1000, .late_pings = 3)},
     "new evidence, was exonerated: infra exonerated: alice lost 1 WebSocket (late_pings"},

    /* What is no drop. */
    {"F5", "", {ALL_UP, PAGE(5000, "alice", CLIENT_CLOSED, CLOSED_1001), OPENED(5500, "alice")}, NULL},
    {"F5 through HTTP/2: cut, and back with a navigation",
     "",
     {ALL_UP, PAGE(5000, "alice", CLIENT_RESET, CUT), NAVIGATION(5100, "alice"), OPENED(5500, "alice")},
     NULL},
    {"the same, cut when the new document has loaded",
     "",
     {ALL_UP, NAVIGATION(4700, "alice"), PAGE(5000, "alice", CLIENT_RESET, CUT), OPENED(5500, "alice")},
     NULL},
    {"loaded long before, and cut: the page came back by itself",
     "exonerated#1[alice]; ~exonerated#1[alice]",
     {ALL_UP, NAVIGATION(4700, "alice"), PAGE(15000, "alice", CLIENT_RESET, CUT), OPENED(15500, "alice")},
     NULL},
    {"a tab is closed through HTTP/2: cut, and nobody comes back",
     "",
     {ALL_UP, NAVIGATION_2(2000, "alice"), PAGE(5000, "alice", CLIENT_EOF, CUT), OPENED(70000, "alice")},
     NULL},
    {"a laptop sleeps; its user comes back hours later",
     "",
     {ALL_UP, PAGE(100000, "alice", CLIENT_TIMEOUT, .end = PAGE_END_CLIENT_CUT, .since_ping_us = MS(90000)),
      OPENED(9000000, "alice")},
     NULL},
    {"the page replaces its connection",
     "",
     {ALL_UP, PAGE(5000, "alice", CLIENT_CLOSED, CLOSED_1000, .since_ping_us = MS(2000)), OPENED(6500, "alice")},
     NULL},
    {"an ordinary end, and one of ours",
     "",
     {ALL_UP,
      {.what = PAGE_ENDS, .at_ms = 100, .user = "alice", .reason = T3OPS_R_CLIENT_CLOSED},
      PAGE(200, "bob", LOCAL, .end = PAGE_END_OURS)},
     NULL},

    /* What was cut is decided by what comes next. */
    {"cut, and back by itself: a drop",
     "exonerated#1[alice]; ~exonerated#1[alice]",
     {ALL_UP, PAGE(5000, "alice", CLIENT_RESET, CUT), OPENED(6500, "alice")},
     "alice lost 1 WebSocket (cut"},
    {"cut, and back by itself when it can: late, but a drop",
     "exonerated#1[alice]; ~exonerated#1[alice]",
     {ALL_UP, PAGE(5000, "alice", CLIENT_RESET, CUT), ALIVE(10000, "cf", ""), OPENED(45000, "alice")},
     NULL},
    {"the same of a browser that may be on HTTP/2: its page may have been frozen meanwhile",
     "",
     {ALL_UP, NAVIGATION_2(2000, "alice"), PAGE(12000, "alice", CLIENT_RESET, CUT), OPENED(13100, "alice")},
     NULL},
    {"unless it has said goodbye: it opens WebSockets over HTTP/1.1",
     "exonerated#1[alice]; ~exonerated#1[alice]",
     {ALL_UP, PAGE(1000, "alice", CLIENT_CLOSED, CLOSED_1001), NAVIGATION_2(2000, "alice"),
      PAGE(12000, "alice", CLIENT_RESET, CUT), OPENED(13100, "alice")},
     NULL},
    {"a page over HTTP/2 is left for another, and shown again: the other one's tunnel ends for it",
     "",
     {ALL_UP, PAGE(5000, "alice", CLIENT_RESET, CUT), NAVIGATION(5100, "alice"), OPENED(5500, "alice"),
      PAGE(60000, "alice", CLIENT_RESET, CUT), OPENED(61000, "alice")},
     NULL},
    {"answers that did not reach a page: it gave up, and came back when it could",
     "last_mile(alice)#1[alice]; ~last_mile(alice)#1[alice]",
     {ALL_UP, PAGE(20000, "alice", CLIENT_CLOSED, CLOSED_1000, .since_ping_us = MS(10)), OPENED(32000, "alice")},
     "answers_lost"},
    {"answers do not reach a page, nor does the one to its next upgrade",
     "last_mile(alice)#1[alice]",
     {ALL_UP,
      PAGE(20000, "alice", CLIENT_CLOSED, CLOSED_1000, .since_ping_us = MS(10)),
      OPENED(21000, "alice"),
      {.what = PAGE_ENDS,
       .at_ms = 31000,
       .user = "alice",
       .reason = T3OPS_R_CLIENT_EOF,
       .page = {.end = PAGE_END_CLIENT_CUT, .age_us = MS(10000)}}},
     "answers_lost"},
    {"answers do not reach a page, as a leg shows later",
     "wan cloudflare tunnel#1[alice]",
     {ALL_UP, MUTE(12000, "cf", ""), PAGE(20000, "alice", CLIENT_CLOSED, CLOSED_1000, .since_ping_us = MS(10)),
      OPENED(21000, "alice"), LATE(22000, "cf", "")},
     NULL},
    {"a page gives up while the machine sleeps, whose clock stands still meanwhile",
     "(suspended); host#1[alice]; ~host#1[alice]",
     {ALL_UP, SUSPENDED(19990, 60000), PAGE(20000, "alice", CLIENT_CLOSED, CLOSED_1000, .since_ping_us = MS(10)),
      OPENED(21000, "alice")},
     NULL},
    {"a page replaces its connection while the resolver fails: that says nothing of its last mile",
     "dns#1",
     {ALL_UP, RESOLVER(18000, "cf", DNS), PAGE(20000, "alice", CLIENT_CLOSED, CLOSED_1000, .since_ping_us = MS(10)),
      OPENED(21000, "alice")},
     NULL},
    {"a page replaces its connection right behind a Ping",
     "",
     {ALL_UP, PAGE(20000, "alice", CLIENT_CLOSED, CLOSED_1000, .since_ping_us = MS(10)), OPENED(21500, "alice")},
     NULL},
    {"a user reloads over HTTP/2 in the same second as another",
     "",
     {ALL_UP, NAVIGATION_2(2000, "alice"), NAVIGATION_2(2000, "bob"), PAGE(20000, "alice", CLIENT_RESET, CUT),
      PAGE(20300, "bob", CLIENT_RESET, CUT), NAVIGATION(20400, "alice"), NAVIGATION(20500, "bob"),
      OPENED(20800, "alice"), OPENED(20900, "bob")},
     NULL},
    {"two are cut at the same time, and both come back",
     "exonerated#1[alice]; ~exonerated#1[alice]; exonerated#2[bob]; ~exonerated#2[bob]",
     {ALL_UP, NAVIGATION_2(2000, "alice"), NAVIGATION_2(2000, "bob"), PAGE(20000, "alice", CLIENT_RESET, CUT),
      PAGE(20300, "bob", CLIENT_RESET, CUT), OPENED(28000, "alice"), OPENED(31000, "bob")},
     NULL},
    {"cut, and another device of hers comes: no drop",
     "",
     {ALL_UP,
      {.what = PAGE_ENDS,
       .at_ms = 5000,
       .user = "alice",
       .reason = T3OPS_R_CLIENT_EOF,
       .address = "198.51.100.7",
       .page = {.heartbeat_known = true, .carried = true, CUT}},
      OPENED(7000, "alice")},
     NULL},
    {"a page falls silent: all legs are asked, nobody is accused", "", {ALL_UP, SILENT(20000, "alice")}, NULL},
    {"a page falls silent, and so does the leg: found before anybody dropped",
     "wan cloudflare tunnel#1",
     {ALL_UP, MUTE(19000, "cf", ""), SILENT(20000, "alice"), LATE(22000, "cf", "")},
     NULL},
    {"all are cut at once while traefik restarts",
     "traefik#1[alice bob]; ~traefik#1[alice bob]",
     {ALL_UP, MUTE(4990, "int", ""), MUTE(4990, "cf", ""), PAGE(5000, "alice", CLIENT_EOF, CUT),
      PAGE(5200, "bob", CLIENT_EOF, CUT), DOWN(5210, "int", "", EOF), DOWN(5220, "cf", "", CLOSED),
      TRY(5300, "int", "", CONNECT, REFUSED, 0), TRY(5400, "cf", "", HTTP, HTTP_STATUS, 502), UP(8000, "int", ""),
      UP(8500, "cf", "")},
     NULL},

    /* Evidence of others. */
    {"without a leg through the edge a live tunnel exonerates",
     "exonerated#1[alice]",
     {UP(1, "int", ""), BEAT(2, "bob", 0), DROP(4900, "alice", CLIENT_EOF, 10)},
     "a WebSocket of bob answered"},
    {"without a live tunnel all that is possible is named",
     "last_mile(alice) wan cloudflare tunnel#1[alice]",
     {UP(1, "int", ""), DROP(100, "alice", CLIENT_EOF, 10)},
     NULL},
    {"another tunnel of hers lives: infra is ruled out for both",
     "exonerated#1[alice]",
     {ALL_UP, BEAT(2, "alice", 1), DROP(4900, "alice", CLIENT_EOF, 10)},
     NULL},
    {"a leg worked, but before the drop began: that acquits nothing",
     "last_mile(alice) wan cloudflare tunnel traefik dispatch#1[alice]",
     {UP(1, "int", ""), ALIVE(90, "int", ""), GONE(95, "int", ""), DROP(100, "alice", CLIENT_EOF, 10)},
     NULL},
    {"a fault that flaps seems over when a page comes back that it had cut alone",
     "tunnel#1; ~tunnel#1; *tunnel#1; +tunnel#1[alice]",
     {ALL_UP, BEAT(2, "bob", 1), DOWN(1000, "cf", "", EOF), TRY(1100, "cf", "", HTTP, HTTP_STATUS, 502),
      UP(3000, "cf", ""), DOWN(9000, "cf", "", EOF), TRY(9100, "cf", "", HTTP, HTTP_STATUS, 502),
      PAGE(9400, "alice", CLIENT_EOF, CUT), UP(11000, "cf", ""), OPENED(12500, "alice")},
     NULL},
    {"a fault that flaps: a page comes back before the leg, and a fresh connection works, too",
     "tunnel#1; ~tunnel#1; *tunnel#1; +tunnel#1[alice]",
     {ALL_UP, ALL_FRESH, DOWN(1000, "cf", "", EOF), TRY(1100, "cf", "", HTTP, HTTP_STATUS, 502), UP(3000, "cf", ""),
      DOWN(9000, "cf", "", EOF), TRY(9100, "cf", "", HTTP, HTTP_STATUS, 502),
      PAGE_OF(17000, "alice", CLIENT_EOF, 4000, CUT), FRESH(19500, "cf", OPEN, NONE, 0), OPENED(19600, "alice"),
      FRESH(19700, "cf", OPEN, NONE, 0), UP(24000, "cf", "")},
     NULL},
    {"pages that notice when the uplink is back are counted to its fault, and stay there",
     "wan cloudflare tunnel#1; !wan dns#1; +wan dns#1[carol]; >wan#1[carol bob]; ~wan#1[carol bob]",
     {ALL_UP, LATE(12000, "cf", ""), DOWN(14000, "cf", "", HEARTBEAT_TIMEOUT), RESOLVER(14500, "cf", DNS),
      TRY(15000, "cf", "", DNS, DNS, 0), PAGE(45000, "carol", CLIENT_CLOSED, CLOSED_1000, .waiting_us = MS(40000)),
      PAGE(45500, "bob", CLIENT_CLOSED, CLOSED_1000, .late_pings = 8), OPENED(46000, "carol"),
      TRY_IN(46500, "cf", CONNECT, CONNECT_TIMEOUT, 2000), OPENED(47000, "bob"), RESOLVER(49000, "cf", NONE),
      UP(49100, "cf", "")},
     NULL},
    {"a leg still worked when answers to a page began to get lost, perhaps: that acquits nothing",
     "wan cloudflare tunnel#1[alice bob]",
     {ALL_UP, ALIVE(10200, "cf", ""), MUTE(10300, "cf", ""),
      PAGE(20000, "alice", CLIENT_CLOSED, CLOSED_1000, .since_ping_us = MS(10)),
      PAGE(20010, "bob", CLIENT_CLOSED, CLOSED_1000, .since_ping_us = MS(10)), LATE(22000, "cf", "")},
     NULL},
    {"the same of Pings that came late",
     "wan cloudflare tunnel#1[alice bob]",
     {ALL_UP, ALIVE(11000, "cf", ""), MUTE(11100, "cf", ""),
      PAGE(20000, "alice", CLIENT_CLOSED, CLOSED_1000, .late_pings = 2),
      PAGE(20010, "bob", CLIENT_CLOSED, CLOSED_1000, .late_pings = 2), LATE(22000, "cf", "")},
     NULL},
    {"only the prober's own uplink is broken: users' tunnels beat",
     "prober#1; ~prober#1",
     {ALL_UP, BEAT(2, "alice", 1), BEAT(2, "bob", 1), LATE(12000, "cf", ""), UP(60000, "cf", "")},
     "only the prober's own path is broken, users' tunnels work: cf stopped answering"},
    {"the same for less than a page's patience: nobody was hurt, nothing is proven",
     "",
     {ALL_UP, BEAT(2, "alice", 1), BEAT(2, "bob", 1), LATE(12000, "cf", ""), UP(30000, "cf", "")},
     NULL},
    {"only the way down is silent: users' Pings arrive and prove the way up alone",
     "wan cloudflare tunnel#1[alice]",
     {ALL_UP, BEAT(2, "alice", 1), BEAT(2, "bob", 1), LATE(12000, "cf", ""),
      PAGE(17000, "alice", CLIENT_CLOSED, CLOSED_1000, .since_ping_us = MS(10)), LATE(17300, "cf", "")},
     NULL},
    {"the way out is silent: users' Pings do not clear it of what no resolver answers",
     "wan#1[alice]",
     {ALL_UP, BEAT(2, "alice", 1), BEAT(2, "bob", 1), LATE(12000, "cf", ""), RESOLVER(13000, "cf", DNS),
      DOWN(14000, "cf", "", HEARTBEAT_TIMEOUT), TRY(17000, "cf", "", DNS, DNS, 0),
      PAGE(20000, "alice", CLIENT_CLOSED, CLOSED_1000, .since_ping_us = MS(10))},
     NULL},
    {"answers to a page are lost, and so are large messages: that is waited for",
     "traefik dispatch#1[alice]",
     {ALL_UP, ALL_FRESH, ALL_LARGE, MUTE_LARGE(16000, "cf"), MUTE_LARGE(16000, "int"), BEAT(4, "bob", 1),
      PAGE(17000, "alice", CLIENT_CLOSED, CLOSED_1000, .queued_us = MS(9000)), LARGE(27100, "cf", LARGE_LOST),
      LARGE(27200, "int", LARGE_LOST)},
     "large messages only"},
    {"answers to one user are lost while a leg proves the way down",
     "last_mile(alice)#1[alice]; ~last_mile(alice)#1[alice]",
     {ALL_UP, BEAT(2, "bob", 1), PAGE(17000, "alice", CLIENT_CLOSED, CLOSED_1000, .since_ping_us = MS(10)),
      OPENED(29000, "alice")},
     NULL},
    {"new connections fail at the edge while old ones live",
     "tunnel#1; ~tunnel#1",
     {ALL_UP, BEAT(2, "alice", 1), DOWN(12000, "cf", "", CLOSED), TRY(12300, "cf", "", HTTP, HTTP_STATUS, 530),
      UP(40000, "cf", "")},
     "cf failed at http (http_status 530) while int 4 ms"},
    {"the HTTP of a t3 server is dead while its WebSocket lives",
     "serve(alice)#1; ~serve(alice)#1",
     {ALL_UP, BEAT(2, "alice", 1), LATE(12000, "srv", "alice"), UP(30000, "srv", "alice")},
     NULL},

    /* Names. */
    {"a resolver fails while connections live",
     "dns#1; ~dns#1",
     {ALL_UP, RESOLVER(100, "cf", DNS), RESOLVER(5000, "cf", NONE)},
     "the resolver of cf failed"},
    {"the leg is cut and cannot look its name up: wan or the resolver",
     "wan dns#1",
     {ALL_UP, DOWN(100, "cf", "", HEARTBEAT_TIMEOUT), TRY(900, "cf", "", DNS, DNS, 0)},
     NULL},

    /* Freezes. */
    {"the proxy was frozen: the user's drop is the host's",
     "host#1[bob]; ~host#1[bob]",
     {ALL_UP, LAG(8000, "proxy", 7000), DROP(8003, "bob", CLIENT_TIMEOUT, 7000), OPENED(9000, "bob")},
     "t3ops itself (proxy) was frozen for 7.0 s: bob lost 1 WebSocket"},
    {"the prober was frozen: nobody was hurt, nobody is convicted",
     "",
     {ALL_UP, LAG(8000, "prober", 7000), LATE(8001, "cf", ""), ALIVE(8100, "cf", ""), LATE(8001, "srv", "alice"),
      ALIVE(8100, "srv", "alice")},
     NULL},
    {"a freeze is one conclusion, a fault beside it another",
     "host#1[bob]; serve(alice)#2; ~host#1[bob]; ~serve(alice)#2",
     {ALL_UP, LAG(8000, "proxy", 7000), DROP(8003, "bob", CLIENT_TIMEOUT, 7000), DOWN(8100, "srv", "alice", RESET),
      TRY(8200, "srv", "alice", CONNECT, REFUSED, 0), OPENED(12000, "bob"), UP(13000, "srv", "alice")},
     NULL},
    {"a freeze long before the drop is forgotten",
     "exonerated#1[alice]",
     {ALL_UP, LAG(3000, "proxy", 700), DROP(8000, "alice", CLIENT_EOF, 0)},
     NULL},
    {"a freeze that is short beside the silence explains nothing of it",
     "cloudflare tunnel#1",
     {ALL_UP,
      LAG(15000, "prober", 600),
      {.what = LEG,
       .at_ms = 21000,
       .kind = LEG_DOWN,
       .leg = "cf",
       .step = T3OPS_STEP_OPEN,
       .reason = T3OPS_R_HEARTBEAT_TIMEOUT,
       .quiet_ms = 20000},
      RESOLVER(21100, "cf", NONE),
      TRY(22000, "cf", "", HTTP, HTTP_TIMEOUT, 0)},
     NULL},
    {"nor does it cut anything",
     "exonerated#1[alice]",
     {ALL_UP, LAG(8000, "proxy", 900), DROP(8003, "alice", CLIENT_EOF, 0)},
     NULL},
    {"a leg that still fails long after the freeze is no echo of it",
     "cloudflare#1",
     {ALL_UP, LAG(8000, "prober", 7000), DOWN(8001, "cf", "", EOF), TRY(8100, "cf", "", CONNECT, REFUSED, 0),
      TRY(14000, "cf", "", CONNECT, REFUSED, 0)},
     NULL},
    {"legs that end at a frozen proxy: taken for a fault, until the proxy says so",
     "traefik dispatch#1; !host#1; ~host#1",
     {ALL_UP, MUTE(3990, "int", ""), MUTE(3990, "cf", ""), LATE(6000, "int", ""), LATE(6100, "cf", ""),
      LAG(14000, "proxy", 10000), ALIVE(14010, "int", ""), ALIVE(14011, "cf", "")},
     "new evidence, was traefik or dispatch: t3ops itself (proxy) was frozen for 10.0 s"},
    {"the machine slept: who is cut when it wakes is the host's, without any silence that a clock saw",
     "(suspended); host#1[alice bob]; ~host#1[alice bob]",
     {ALL_UP, SUSPENDED(8000, 600000), DROP(8100, "alice", CLIENT_RESET, 0), DROP(8110, "bob", CLIENT_EOF, 0),
      OPENED(9000, "alice"), OPENED(9000, "bob")},
     "this machine was suspended for 600.0 s: alice lost 1 WebSocket"},
    {"the machine slept, and its legs go down: nobody was hurt",
     "(suspended)",
     {ALL_UP, SUSPENDED(8000, 600000), DOWN(8100, "cf", "", RESET), TRY(9100, "cf", "", CONNECT, UNREACHABLE, 0),
      UP(11000, "cf", "")},
     NULL},
    {"the wall clock jumped: what fails with it is the host's",
     "(clock_set); host#1[alice]",
     {ALL_UP, CLOCK_SET(8000, 86400000), DROP(8100, "alice", UPSTREAM_CLOSED, 0), DOWN(8200, "cf", "", TLS)},
     "the clock of this machine was set by 86400.0 s"},
    {"the kernel killed a t3 server for lack of memory: the host, not the server",
     "(oom_kill); host#1[alice]",
     {ALL_UP, PAGE(7500, "alice", UPSTREAM_EOF, .end = PAGE_END_SERVER), DOWN(7510, "srv", "alice", REFUSED),
      OOM_KILL(7600)},
     "the kernel killed 1 process for lack of memory: srv(alice) failed at open (refused), alice lost 1 WebSocket"},
    {"the kernel killed something, and the edge is cut: two matters",
     "(oom_kill); cloudflare#1",
     {ALL_UP, DOWN(7500, "cf", "", EOF), OOM_KILL(7600), TRY(7700, "cf", "", CONNECT, REFUSED, 0)},
     NULL},
    {"everything waits for memory: late answers are the host's",
     "(strained); host#1[alice]",
     {ALL_UP, STRAINED(6000, 4000), PAGE(6500, "alice", CLIENT_CLOSED, CLOSED_1000, .waiting_us = MS(6000)),
      LATE(6510, "srv", "alice")},
     "everything on this machine waited 4.0 s for memory"},
    {"the machine is overloaded: late answers are the host's, whoever gives them",
     "(starved); host#1[alice]",
     {ALL_UP, SLOW_ALL(5990), STARVED(6000, 4000),
      PAGE(6500, "alice", CLIENT_CLOSED, CLOSED_1000, .waiting_us = MS(6000)), LATE(6510, "srv", "bob"),
      LATE(6520, "cf", "")},
     "this machine was overloaded, t3ops itself waited 4.0 s for a CPU: "},
    {"nobody is hurt by that: no verdict",
     "(starved)",
     {ALL_UP, STARVED(6000, 4000), LATE(6510, "srv", "bob"), LATE(6520, "cf", ""), ALIVE(6900, "srv", "bob"),
      ALIVE(6910, "cf", "")},
     NULL},
    {"the machine is busy, but whoever else is asked answers at once: it is the server",
     "(starved); serve(alice)#1[alice]",
     {ALL_UP, MUTE(5990, "srv", "alice"), STARVED(6000, 4000), ALIVE(6100, "cf", ""), ALIVE(6100, "int", ""),
      ALIVE(6100, "srv", "bob"), PAGE(6500, "alice", CLIENT_CLOSED, CLOSED_1000, .waiting_us = MS(6000)),
      LATE(6510, "srv", "alice")},
     NULL},
    {"the machine is overloaded, and a server crashes",
     "(starved); serve(alice)#1[alice]",
     {ALL_UP, STARVED(6000, 4000), PAGE(6500, "alice", UPSTREAM_EOF, .end = PAGE_END_SERVER),
      DOWN(6510, "srv", "alice", REFUSED), TRY(6600, "srv", "alice", CONNECT, REFUSED, 0)},
     NULL},
    {"round trips across a freeze are not slow",
     "",
     {ALL_UP, ALIVE(10000, "cf", ""), LAG(20000, "prober", 3000), BEAT_IN(20010, "cf", "", 3000),
      LAG(30000, "prober", 3000), BEAT_IN(30010, "cf", "", 3000), LAG(40000, "prober", 3000),
      BEAT_IN(40010, "cf", "", 3000), LAG(50000, "proxy", 8000), WAITS(50001, "alice")},
     NULL},
    {"a proxy died with a tunnel in its hands: ours",
     "dispatch#1[alice]; ~dispatch#1[alice]",
     {ALL_UP, PAGE(5000, "alice", LOCAL, .end = PAGE_END_LOST), OPENED(6000, "alice")},
     "alice lost 1 WebSocket (lost_by_us: the proxy died)"},
    {"a proxy dies, its idle tunnels live on: dispatch, not traefik, for our own journal says so",
     "dispatch#1; ~dispatch#1",
     {ALL_UP, BEAT(2, "alice", 1), DOWN(5000, "int", "", EOF), DOWN(5001, "cf", "", EOF), PROXY_GONE(5003),
      UP(5100, "int", ""), UP(5200, "cf", "")},
     "a proxy of t3ops died: cf failed at open (eof), int failed at open (eof)"},
    {"a proxy hangs until it is killed",
     "traefik dispatch#1; >dispatch#1; ~dispatch#1",
     {ALL_UP, MUTE(3990, "int", ""), MUTE(3990, "cf", ""), LATE(6000, "int", ""), LATE(6100, "cf", ""),
      PROXY_HUNG(16000), DOWN(16001, "int", "", EOF), DOWN(16001, "cf", "", EOF), UP(17000, "int", ""),
      UP(17100, "cf", "")},
     "narrowed, was traefik or dispatch: a proxy of t3ops hung and was killed"},
    {"a leg that fails long after the proxy is back accuses what it meets",
     "dispatch#1; !traefik#1",
     {ALL_UP, DOWN(5000, "int", "", EOF), DOWN(5001, "cf", "", EOF), PROXY_GONE(5003), UP(6000, "cf", ""),
      TRY(11000, "int", "", CONNECT, REFUSED, 0), DOWN(11010, "cf", "", EOF),
      TRY(11100, "cf", "", HTTP, HTTP_STATUS, 502), TRY(11200, "int", "", CONNECT, REFUSED, 0)},
     NULL},
    {"the edge is cut a minute after a proxy died",
     "cloudflare#1",
     {ALL_UP, PROXY_GONE(5003), DOWN(60000, "cf", "", EOF), TRY(60100, "cf", "", CONNECT, REFUSED, 0)},
     NULL},
    {"t3ops stops: who was connected is hurt by us, which is said before it is gone",
     "dispatch#1[alice bob]; ~dispatch#1[alice bob]",
     {ALL_UP, PAGE(5000, "alice", LOCAL, .end = PAGE_END_LOST), PAGE(5001, "bob", LOCAL, .end = PAGE_END_LOST),
      PAGE(5001, "carol", LOCAL, .end = PAGE_END_LOST, .since_ping_us = MS(60000)), FINISHED(5002), RESTARTED(6000),
      OPENED(9000, "alice"), OPENED(9500, "bob")},
     NULL},
    {"it stops in the middle of another incident: what nobody has answered yet is not judged",
     "",
     {ALL_UP, DROP(5000, "alice", CLIENT_EOF, 10), FINISHED(5002), RESTARTED(5003)},
     NULL},

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
    {"another fault after it has an id of its own",
     "cloudflare#1; serve(bob)#2",
     {ALL_UP, DOWN(1000, "cf", "", EOF), TRY(1100, "cf", "", CONNECT, REFUSED, 0), RESTARTED(5000),
      UP(6000, "srv", "bob"), DOWN(10000, "srv", "bob", EOF), TRY(10100, "srv", "bob", CONNECT, REFUSED, 0)},
     NULL},

    /* What heals a fault acquits nothing of it. */
    {"the name is found first, while the attempt before goes on waiting: the uplink heals",
     "wan cloudflare tunnel#1; >wan cloudflare#1; ~wan cloudflare#1",
     {ALL_UP, LATE(3000, "cf", ""), DOWN(21000, "cf", "", HEARTBEAT_TIMEOUT),
      TRY_IN(24000, "cf", CONNECT, CONNECT_TIMEOUT, 2000), RESOLVER(26000, "cf", NONE),
      TRY_IN(27000, "cf", CONNECT, CONNECT_TIMEOUT, 2000), UP(28000, "cf", "")},
     NULL},
    {"the name is found, and the attempt that follows waits in vain: not the uplink",
     "wan cloudflare tunnel#1; >wan cloudflare#1; >cloudflare#1; ~cloudflare#1",
     {ALL_UP, LATE(3000, "cf", ""), DOWN(21000, "cf", "", HEARTBEAT_TIMEOUT),
      TRY_IN(24000, "cf", CONNECT, CONNECT_TIMEOUT, 2000), RESOLVER(26000, "cf", NONE),
      TRY_IN(29000, "cf", TLS, CONNECT_TIMEOUT, 2000), UP(38000, "cf", "")},
     NULL},
    {"users beat again before the leg is back: no verdict about the prober, none that exonerates",
     "wan cloudflare tunnel#1[alice]; >wan cloudflare#1[alice]; ~wan cloudflare#1[alice]",
     {ALL_UP, MUTE(14000, "cf", ""), LATE(15000, "cf", ""),
      PAGE(16000, "alice", CLIENT_CLOSED, CLOSED_1000, .late_pings = 2), OPENED(19000, "alice"),
      BEAT(20000, "alice", 1), BEAT(20000, "bob", 1), DOWN(24500, "cf", "", RESET),
      TRY_IN(27000, "cf", CONNECT, CONNECT_TIMEOUT, 2000), UP(31000, "cf", "")},
     NULL},

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

/* How the last verdict of some scenarios shows; "": in no way of its own. */
static const struct {
	const char *scenario, *symptom;
} symptoms[] = {
    {"the edge answers new connections 530: the tunnel, although the leg's own connection lives",
     "new_connections_only"},
    {"traefik refuses new connections", "new_connections_only"},
    {"the edge refuses new connections", "new_connections_only"},
    {"large messages are lost before traefik", "large_messages_only"},
    {"large messages are lost, and a page breaks: not its user's network", "large_messages_only"},
    {"only the way down is silent: users' Pings arrive and prove the way up alone", "downward_only"},
    {"answers to one user are lost while a leg proves the way down", "downward_only"},
    {"her next hop took no answers: her last mile, never the server", "downward_only"},
    {"a resolver fails while connections live", "names_only"},
    {"and then not at all: names only", "names_only"},
    {"the edge is cut: refused, while everything inside works", ""},
    {"late Pings of two users, and a leg that was late with them: what they share", ""},
    {"only the prober's own uplink is broken: users' tunnels beat", ""},
    {"the leg is cut and cannot look its name up: wan or the resolver", ""},
    {"her page was awake and not heard, and every leg was good since: her last mile", ""},
};

/* NULL: not looked at. */
static const char *symptom_wanted(const char *scenario)
{
	for (size_t i = 0; i < sizeof symptoms / sizeof symptoms[0]; i++)
		if (strcmp(symptoms[i].scenario, scenario) == 0)
			return symptoms[i].symptom;
	return NULL;
}

static struct run begin(void)
{
	return (struct run){.now_us = T0};
}

static void diagnosis_make(struct run *r)
{
	struct diagnosis_setup setup = {.shape = shape,
	                                .ping_timeout_us = MS(2000),
	                                .process_watchdog_us = MS(10000),
	                                .page_heartbeat_us = PERIOD,
	                                .actions = &actions,
	                                .arg = r};
	const char *which;

	assert_int_equal(diagnosis_new(&setup, &r->diagnosis, &which), 0);
}

/* How long the last verdict may take. */
static uint64_t longest_us(const char *text)
{
	if (strstr(text, "(cut") != NULL || strstr(text, "(answers_lost") != NULL)
		return RETURN_US;
	if (strstr(text, "large messages only") != NULL)
		return LARGE_WAIT_US;
	return (strstr(text, "prober's own path") != NULL ? ANSWERED_WAIT_US : VANTAGE_WAIT_US) + SLOWEST;
}

static void scenario_play(void **state)
{
	const struct scenario *s = *state;
	struct run r = begin();

	diagnosis_make(&r);
	for (size_t n = 0; s->steps[n].what != END; n++)
		step_play(&r, &s->steps[n]);
	pass(&r, r.now_us + MS(8000));
	assert_string_equal(r.got, s->want);
	assert_true(r.slowest_us <= longest_us(r.text));
	assert_int_equal(diagnosis_gathering(r.diagnosis), 0);
	if (s->says != NULL && strstr(r.text, s->says) == NULL)
		fail_msg("\"%s\" is not in \"%s\"", s->says, r.text);
	if (symptom_wanted(s->name) != NULL)
		assert_string_equal(or_empty(r.symptom), symptom_wanted(s->name));
	diagnosis_free(r.diagnosis);
}

/* As soon as every leg has reported, and not before a burst of drops is over. */
static void as_fast_as_possible(void **state)
{
	static const struct step steps[] = {ALL_UP, DOWN(100, "srv", "bob", EOF),
	                                    TRY(120, "srv", "bob", CONNECT, REFUSED, 0)};
	struct run r = begin();

	(void)state;
	diagnosis_make(&r);
	for (size_t n = 0; n < sizeof steps / sizeof steps[0]; n++)
		step_play(&r, &steps[n]);
	assert_int_equal(diagnosis_gathering(r.diagnosis), 1);
	pass(&r, T0 + MS(319));
	assert_string_equal(r.got, "");
	pass(&r, T0 + MS(321));
	assert_string_equal(r.got, "serve(bob)#1");
	assert_int_equal(r.slowest_us, MS(220));
	assert_int_equal(r.probes, 1);
	diagnosis_free(r.diagnosis);
}

/* No drop of a user is left out, however many there are; all are named as many. */
static void many_users_at_once(void **state)
{
	enum { N = 200 };
	struct run r = begin();
	char user[16];
	struct step s = DROP(100, user, CLIENT_EOF, 10);

	(void)state;
	diagnosis_make(&r);
	for (int n = 0; n < N; n++) {
		snprintf(user, sizeof user, "user%d", n);
		step_play(&r, &s);
	}
	r.got[0] = '\0';
	pass(&r, T0 + MS(5000));
	r.got[strlen("wan cloudflare tunnel traefik dispatch#1")] = '\0';
	assert_string_equal(r.got, "wan cloudflare tunnel traefik dispatch#1");
	assert_non_null(strstr(r.text, "user0 lost 1 WebSocket"));
	assert_non_null(strstr(r.text, " and 196 more"));
	assert_int_equal(r.n_observations, N);
	assert_int_equal(diagnosis_verdicts(r.diagnosis)->rows[0]->users.n, N);
	diagnosis_free(r.diagnosis);
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
		struct run r = begin();
		char user[16];
		struct step s = PAGE(100, user, UPSTREAM_EOF, .end = PAGE_END_SERVER), back = OPENED(9000, user);
		const struct verdict_table *all;

		diagnosis_make(&r);
		for (int n = 0; n < rows[i].users; n++) {
			snprintf(user, sizeof user, "user%d", n);
			step_play(&r, &s);
		}
		pass(&r, T0 + MS(5000));
		all = diagnosis_verdicts(r.diagnosis);
		assert_int_equal(all->n, rows[i].verdicts);
		assert_string_equal(all->rows[0]->conclusion.suspects.segments[0], rows[i].suspect);
		assert_int_equal(all->rows[0]->users.n, rows[i].verdicts == 1 ? rows[i].users : 1);
		assert_int_equal(r.counted, rows[i].verdicts);
		for (int n = 0; n < rows[i].users; n++) {
			snprintf(user, sizeof user, "user%d", n);
			step_play(&r, &back);
		}
		pass(&r, T0 + MS(20000));
		for (size_t k = 0; k < all->n; k++)
			assert_int_equal(all->rows[k]->state, VERDICT_HEALED);
		diagnosis_free(r.diagnosis);
	}
}

/* A verdict is revised a few times at most; what comes later is still known. */
static void revisions_are_bounded(void **state)
{
	struct run r = begin();
	char user[16];
	struct step s = DROP(0, user, CLIENT_EOF, 10);
	static const struct step down[] = {ALL_UP, DOWN(100, "cf", "", EOF), TRY(110, "cf", "", CONNECT, REFUSED, 0)};
	const struct verdict *v;

	(void)state;
	diagnosis_make(&r);
	for (size_t n = 0; n < sizeof down / sizeof down[0]; n++)
		step_play(&r, &down[n]);
	for (int n = 1; n <= 9; n++) {
		snprintf(user, sizeof user, "user%d", n);
		s.at_ms = (unsigned)n * 10000;
		step_play(&r, &s);
	}
	pass(&r, T0 + MS(100000));
	v = diagnosis_verdicts(r.diagnosis)->rows[0];
	assert_int_equal(diagnosis_verdicts(r.diagnosis)->n, 1);
	assert_int_equal(r.counted, 1);
	assert_int_equal(v->revision, REVISIONS_MAX);
	assert_int_equal(v->users.n, 9);
	diagnosis_free(r.diagnosis);
}

/* Every row of the table is about a scenario. */
static void symptoms_are_of_scenarios(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof symptoms / sizeof symptoms[0]; i++) {
		size_t n = 0;

		while (n < sizeof scenarios / sizeof scenarios[0] &&
		       strcmp(scenarios[n].name, symptoms[i].scenario) != 0)
			n++;
		if (n == sizeof scenarios / sizeof scenarios[0])
			fail_msg("no scenario \"%s\"", symptoms[i].scenario);
	}
}

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

/* A list that is too long for a path is refused, by name. */
static void a_list_that_is_too_long(void **state)
{
	const char *names[TOPOLOGY_LIST_MAX + 1];
	struct leg_shape leg = {.name = "long", .segments = {names, TOPOLOGY_LIST_MAX + 1}};
	struct diagnosis_setup setup = {.shape = {.legs = &leg, .n_legs = 1}};
	struct diagnosis *d;
	const char *which = "";

	(void)state;
	for (size_t i = 0; i < TOPOLOGY_LIST_MAX + 1; i++)
		names[i] = "x";
	assert_int_equal(diagnosis_new(&setup, &d, &which), -E2BIG);
	assert_null(d);
	assert_string_equal(which, "long");
	leg.segments.n--;
	assert_int_equal(diagnosis_new(&setup, &d, &which), 0);
	diagnosis_free(d);
}

int main(void)
{
	enum { N = sizeof scenarios / sizeof scenarios[0], OTHERS = 8 };
	struct CMUnitTest tests[N + OTHERS];

	for (size_t n = 0; n < N; n++)
		tests[n] = (struct CMUnitTest){scenarios[n].name, scenario_play, NULL, NULL, (void *)&scenarios[n]};
	tests[N] = (struct CMUnitTest)cmocka_unit_test(as_fast_as_possible);
	tests[N + 1] = (struct CMUnitTest)cmocka_unit_test(many_users_at_once);
	tests[N + 2] = (struct CMUnitTest)cmocka_unit_test(revisions_are_bounded);
	tests[N + 3] = (struct CMUnitTest)cmocka_unit_test(a_list_that_is_too_long);
	tests[N + 4] = (struct CMUnitTest)cmocka_unit_test(what_counts);
	tests[N + 5] = (struct CMUnitTest)cmocka_unit_test(symptoms_are_of_scenarios);
	tests[N + 6] = (struct CMUnitTest)cmocka_unit_test(since_when_a_leg_is_what_it_is);
	tests[N + 7] = (struct CMUnitTest)cmocka_unit_test(a_mass_is_one_verdict);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
