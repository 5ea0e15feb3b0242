/* SPDX-License-Identifier: MIT */
/* Plays scenarios; see scenario.h. */
#include "scenario.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "diagnosis/checkpoint.h"
#include "diagnosis/host_news.h"
#include "diagnosis/incident_timing.h"
#include "diagnosis/summary.h"
#include "diagnosis/symptom.h"
#include "diagnosis/user_news.h"

#define LIST(...)                                                                                                    \
	{                                                                                                            \
		(const char *const[]){__VA_ARGS__}, sizeof((const char *const[]){__VA_ARGS__}) / sizeof(char *)      \
	}

static const struct leg_shape legs[] = {
    {.name = "cf",
     .segments = LIST("wan", "cloudflare", "tunnel", "traefik", "dispatch"),
     .edge = "cloudflare",
     .resolver_segments = LIST("wan", "dns")},
    {.name = "cf2", /* beside it, by the same way */
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
    .n_legs = sizeof legs / sizeof legs[0],
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

/* One line of all that the diagnosis does, for a comparison; see copies_say_the_same. */
__attribute__((format(printf, 2, 3))) static void act(struct run *r, const char *fmt, ...)
{
	va_list ap;

	if (r->acts == NULL)
		return;
	fprintf(r->acts, "%+.6f ", (double)(r->now_us - T0) / 1e6);
	va_start(ap, fmt);
	vfprintf(r->acts, fmt, ap);
	va_end(ap);
	fputc('\n', r->acts);
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

	act(r, "probe %d since %d of %s", (int)incident, (int)since_us, user != NULL ? user : "all");
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

	act(r, "verdict %d.%u of %d: %s; failing %zu, %zu seen, %zu absent, known %d %a %a %a", (int)v->id,
	    v->revision, (int)v->incident, text, v->failing, b->observations->n, v->absent.n, b->pressure->known,
	    b->pressure->memory, b->pressure->io, b->pressure->cpu);
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
	act(r, "dropped %s %s late %d returned %d", drop->user, page_evidence_label(drop->evidence), late,
	    drop->returned);
	r->drops++;
	r->late_drops += late;
}

static void on_ended(void *arg, const struct verdict *v)
{
	act(arg, "ended %d at %d, %zu absent", (int)v->id, (int)v->ended_us, v->absent.n);
	verdict_note(arg, v->state == VERDICT_HEALED ? "~" : "^", v);
}

static void on_walled_off(void *arg, const char *leg)
{
	struct run *r = arg;

	act(r, "walled off %s", leg);
	note(r, "%s?%s", r->got[0] != '\0' ? "; " : "", leg);
}

static void on_host(void *arg, const struct host_event *e)
{
	struct run *r = arg;

	act(r, "host %s for %d", host_event_name(e->kind), (int)e->length_us);
	note(r, "%s(%s)", r->got[0] != '\0' ? "; " : "", host_event_name(e->kind));
}

static void on_look(void *arg, struct diagnosis *d)
{
	(void)arg, (void)d;
}

/* What is known of browsers outlives a diagnosis. */
static void on_browser(void *arg, const struct browser *b)
{
	struct run *r = arg;
	size_t i = 0;

	act(r, "browser %s %d %d", b->user, b->goodbye, b->http2);
	while (i < r->n_browsers && strcmp(r->browsers[i].user, b->user) != 0)
		i++;
	assert_true(i < sizeof r->browsers / sizeof r->browsers[0]);
	r->browsers[i].http2 = b->http2;
	r->browsers[i].goodbye = b->goodbye;
	snprintf(r->browsers[i].user, sizeof r->browsers[i].user, "%s", b->user);
	r->n_browsers += i == r->n_browsers;
}

static void on_slow(void *arg, const struct slow_report *report)
{
	struct run *r = arg;

	act(r, "slow %d, %zu users, leg %s", report->over, report->users->n,
	    report->leg != NULL ? report->leg->def->name : "none");
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
                                                 .browser = on_browser,
                                                 .look = on_look};

static const char *or_empty(const char *text)
{
	return text != NULL ? text : "";
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

/* ---- copies -------------------------------------------------------------------------------------------------- */

static char *checkpoint_text(const struct diagnosis *d)
{
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);

	assert_non_null(out);
	checkpoint_write(d, "", out);
	assert_int_equal(fclose(out), 0);
	return text;
}

/* Goes on with what a new one reads of the text of this one. */
static void copy_take(struct run *r)
{
	struct diagnosis *before = r->diagnosis;
	char *text, *again, *lines, *line, *rest;
	size_t n = 0;

	if (!r->copies)
		return;
	text = checkpoint_text(before);
	lines = rest = strdup(text);
	diagnosis_make(r);
	for (; (line = strsep(&rest, "\n")) != NULL && *line != '\0'; n++)
		if (checkpoint_read(r->diagnosis, line) != 0)
			fail_msg("cannot read line %zu of\n%s", n + 1, text);
	assert_int_equal(n, checkpoint_lines(before));
	again = checkpoint_text(r->diagnosis);
	assert_string_equal(again, text);
	diagnosis_free(before);
	free(text);
	free(lines);
	free(again);
}

/* ---- time ---------------------------------------------------------------------------------------------------- */

static void leg_answer(struct run *r, const struct answering *a, enum leg_input_kind kind)
{
	struct leg_report report = {.kind = kind,
	                            .name = a->name,
	                            .user = a->user,
	                            .colo = a->colo,
	                            .wall_us = WALL0 + (r->now_us - T0),
	                            .mono_us = r->now_us,
	                            .waited_us = RTT};

	assert_int_equal(leg_news_take(r->diagnosis, &report, r->now_us), 0);
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
		struct live_report live = {.user = r->beats[i].user,
		                           .colo = r->beats[i].colo,
		                           .steady_us = r->beats[i].steady_us,
		                           .client_us = beat,
		                           .serve_us = r->beats[i].serve ? beat : 0};

		if (beat > due->since_us)
			assert_int_equal(user_news_tunnel_live(r->diagnosis, &live, r->now_us), 0);
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

void scenario_pass(struct run *r, uint64_t until_us)
{
	uint64_t tick;

	for (;;) {
		size_t next = due_next(r);
		struct due due = {.at_us = UINT64_MAX};

		assert_int_equal(diagnosis_tick(r->diagnosis, r->now_us, &tick), 0);
		assert_true(tick > r->now_us);
		act(r, "next %d", tick == UINT64_MAX ? -1 : (int)(tick - T0));
		copy_take(r);
		if (next != SIZE_MAX)
			due = r->due[next];
		if (due.at_us > until_us && tick > until_us)
			break;
		r->now_us = due.at_us < tick ? due.at_us : tick;
		if (due.at_us != r->now_us)
			continue;
		r->due[next] = r->due[--r->n_due];
		due_deliver(r, &due);
		copy_take(r);
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
		r->legs[r->n_legs++] = (struct answering){.name = s->leg, .user = or_empty(s->user), .colo = ""};
	if (s->colo != NULL)
		r->legs[i].colo = s->colo;
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
	                            .colo = or_empty(s->colo),
	                            .step = (uint16_t)s->step,
	                            .reason = (uint16_t)s->reason,
	                            .code = (uint16_t)s->code,
	                            .wall_us = WALL0 + MS(s->at_ms),
	                            .mono_us = r->now_us,
	                            .target = s->n,
	                            .makes_fresh = s->makes_fresh,
	                            .waited_us = s->kind == LEG_ALIVE && s->quiet_ms == 0 ? RTT : MS(s->quiet_ms)};

	if (s->kind != LEG_LOOKED_UP)
		leg_follow(r, s);
	return leg_news_take(r->diagnosis, &report, r->now_us);
}

static int end_play(struct run *r, const struct step *s)
{
	struct end_report report = {.user = s->user,
	                            .address = or_empty(s->address),
	                            .colo = or_empty(s->colo),
	                            .why = s->page.end == PAGE_END_LOST ? "the proxy died" : "",
	                            .reason = (uint16_t)s->reason,
	                            .dropped = s->what == DROPPED,
	                            .wall_us = WALL0 + MS(s->at_ms),
	                            .mono_us = r->now_us,
	                            .age_us = s->page.age_us > 0 ? s->page.age_us : MS(s->n),
	                            .idle_client_us = MS(s->quiet_ms),
	                            .idle_upstream_us = MS(s->quiet_ms),
	                            .page = s->page};

	return user_news_tunnel_end(r->diagnosis, &report, r->now_us);
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

	if (s->host == HOST_OFFLINE && s->n == 0)
		e.until_us = HOST_GOES_ON;
	return host_news_take(r->diagnosis, &e, r->now_us);
}

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
	for (size_t i = 0; i < r->n_browsers; i++) {
		const struct browser known = {r->browsers[i].user, r->browsers[i].goodbye, r->browsers[i].http2};

		assert_int_equal(diagnosis_recall_browser(r->diagnosis, &known), 0);
	}
	return 0;
}

static int report(struct run *r, const struct step *s)
{
	struct open_report open = {s->user, or_empty(s->address), or_empty(s->colo), r->now_us};

	switch (s->what) {
	case LEG:
		return leg_play(r, s);
	case LEG_GOES:
		leg_follow(r, s);
		return leg_news_gone(r->diagnosis, s->leg, or_empty(s->user));
	case MUTES:
		leg_follow(r, s);
		return 0;
	case PROBER:
		r->n_legs = 0;
		leg_news_prober_replaced(r->diagnosis, WALL0 + MS(s->at_ms), r->now_us);
		return 0;
	case DROPPED:
	case PAGE_ENDS:
		return end_play(r, s);
	case OPEN:
		return user_news_tunnel_open(r->diagnosis, &open, r->now_us);
	case PAGE_IS:
		return user_news_page(r->diagnosis, s->user, or_empty(s->colo), &s->page, WALL0 + MS(s->at_ms),
		                      r->now_us);
	case NAVIGATES:
		return user_news_navigation(r->diagnosis, s->user, s->n > 0, r->now_us);
	case BEATS:
		r->beats[r->n_beats].user = s->user;
		r->beats[r->n_beats].colo = or_empty(s->colo);
		r->beats[r->n_beats].steady_us = s->colo != NULL ? r->now_us : 0;
		r->beats[r->n_beats++].serve = s->n > 0;
		return user_news_tunnel_open(r->diagnosis, &open, r->now_us);
	case HOST:
		return host_play(r, s);
	case PROXY_ENDS:
		return host_news_proxy_gone(r->diagnosis, s->n > 0, r->now_us, r->now_us);
	case FINISH:
		return diagnosis_finish(r->diagnosis, r->now_us);
	case RESTART:
		return restart_play(r);
	case PATIENCE:
	case END:
		break;
	}
	return -1;
}

void scenario_step(struct run *r, const struct step *s)
{
	if (s->what == PATIENCE)
		return;
	scenario_pass(r, T0 + MS(s->at_ms));
	assert_int_equal(report(r, s), 0);
	copy_take(r);
}

/* ---- scenarios ------------------------------------------------------------------------------------------- */

/* Their browsers say goodbye, as far as is known: they loaded their documents over HTTP/1.1, a while ago. */
static const char *const known_users[] = {"alice", "bob", "carol", "dave", "erin"};

void scenario_begin(struct run *r)
{
	*r = (struct run){.now_us = T0};
	diagnosis_make(r);
	for (size_t i = 0; i < sizeof known_users / sizeof known_users[0]; i++)
		assert_int_equal(user_news_navigation(r->diagnosis, known_users[i], false, T0 - MS(10000)), 0);
}

void scenario_end(struct run *r)
{
	diagnosis_free(r->diagnosis);
}

/* How long the last verdict may take. */
static uint64_t longest_us(const struct scenario *s, const char *text)
{
	for (size_t n = 0; s->steps[n].what != END; n++)
		if (s->steps[n].what == PATIENCE)
			return MS(s->steps[n].n);
	if (strstr(text, "(cut") != NULL || strstr(text, "(answers_lost") != NULL)
		return RETURN_US;
	if (strstr(text, "large messages only") != NULL)
		return LARGE_WAIT_US;
	return (strstr(text, "prober's own path") != NULL ? ANSWERED_WAIT_US : VANTAGE_WAIT_US) + SLOWEST;
}

/* A row of a table, and what is known of how it shows; NULL: that is not looked at. */
struct played {
	const struct scenario *scenario;
	const char *symptom;
};

static void scenario_play(void **state)
{
	const struct played *p = *state;
	const struct scenario *s = p->scenario;
	struct run r;

	scenario_begin(&r);
	for (size_t n = 0; s->steps[n].what != END; n++)
		scenario_step(&r, &s->steps[n]);
	scenario_pass(&r, r.now_us + MS(8000));
	assert_string_equal(r.got, s->want);
	assert_true(r.slowest_us <= longest_us(s, r.text));
	assert_int_equal(diagnosis_gathering(r.diagnosis), 0);
	if (s->says != NULL && strstr(r.text, s->says) == NULL)
		fail_msg("\"%s\" is not in \"%s\"", s->says, r.text);
	if (p->symptom != NULL)
		assert_string_equal(or_empty(r.symptom), p->symptom);
	scenario_end(&r);
}

/* All that it does in this scenario; copies: replaced by its copy after every step. */
static char *acts_of(const struct scenario *s, bool copies)
{
	char *text = NULL;
	size_t len = 0;
	struct run r;

	scenario_begin(&r);
	r.acts = open_memstream(&text, &len);
	r.copies = copies;
	assert_non_null(r.acts);
	for (size_t n = 0; s->steps[n].what != END; n++)
		scenario_step(&r, &s->steps[n]);
	scenario_pass(&r, r.now_us + MS(200000));
	assert_int_equal(fclose(r.acts), 0);
	scenario_end(&r);
	return text;
}

/* A checkpoint (diagnosis/checkpoint.h) keeps everything: whenever it is read into a new diagnosis, that one goes on
 * as the other would have done. */
static void copies_say_the_same(void **state)
{
	const struct scenario_table *t = *state;

	for (size_t n = 0; n < t->n; n++) {
		char *own = acts_of(&t->rows[n], false), *of_copies = acts_of(&t->rows[n], true);

		if (strcmp(own, of_copies) != 0)
			fprintf(stderr, "in \"%s\":\n", t->rows[n].name);
		assert_string_equal(of_copies, own);
		free(own);
		free(of_copies);
	}
}

static void symptom_note(const struct scenario_table *t, struct played *played, const struct scenario_symptom *s)
{
	for (size_t n = 0; n < t->n; n++)
		if (strcmp(t->rows[n].name, s->scenario) == 0) {
			played[n].symptom = s->symptom;
			return;
		}
	fprintf(stderr, "no scenario \"%s\"\n", s->scenario);
	abort();
}

int scenarios_run(const struct scenario_table *t)
{
	struct CMUnitTest *tests = calloc(t->n + t->n_others + 1, sizeof *tests);
	struct played *played = calloc(t->n + 1, sizeof *played);
	int failed;

	if (tests == NULL || played == NULL)
		abort();
	for (size_t n = 0; n < t->n; n++) {
		played[n].scenario = &t->rows[n];
		tests[n] = (struct CMUnitTest){t->rows[n].name, scenario_play, NULL, NULL, &played[n]};
	}
	for (size_t n = 0; n < t->n_symptoms; n++)
		symptom_note(t, played, &t->symptoms[n]);
	for (size_t n = 0; n < t->n_others; n++)
		tests[t->n + n] = t->others[n];
	tests[t->n + t->n_others] = (struct CMUnitTest){"copies_say_the_same", copies_say_the_same, NULL, NULL,
	                                                (void *)(uintptr_t)t};
	failed = _cmocka_run_group_tests("scenarios", tests, t->n + t->n_others + 1, NULL, NULL);
	free(tests);
	free(played);
	return failed;
}
