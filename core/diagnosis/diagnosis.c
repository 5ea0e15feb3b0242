/* SPDX-License-Identifier: MIT */
/* What opens, feeds and closes an incident; see diagnosis.h. */
#include "diagnosis/diagnosis.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "diagnosis/browsers.h"
#include "diagnosis/incident_timing.h"
#include "diagnosis/page_ends.h"
#include "plugin.h"
#include "tbl/reason.h"

/* One round of evidence. */
struct round {
	bool open;
	uint64_t opened_us;
	uint64_t news_us;       /* the last news */
	uint64_t asked_us;      /* everything was asked */
	uint64_t classified_us; /* the round before was judged; 0: never */
	bool ask_again;         /* something broke after it was asked */
	bool host_news;         /* what broke may be the host's: no verdict ends before that is judged */
};

struct diagnosis {
	struct topology *topology;
	struct probe_table legs;
	struct verdict_table verdicts;
	struct pressure_ring pressure;
	struct incident now; /* id 0: QUIET */
	struct round round;
	struct host_events host;
	struct pressure last_sample;
	struct page_ends ends;
	struct browsers browsers;
	struct slow_paths slow;
	size_t open_tunnels; /* as far as their opening was seen */
	uint64_t last_incident;
	uint64_t ping_timeout_us, page_heartbeat_us, process_watchdog_us;
	const struct diagnosis_actions *actions;
	void *arg;
};

int diagnosis_new(const struct diagnosis_setup *setup, struct diagnosis **out, const char **which)
{
	struct diagnosis *d = calloc(1, sizeof *d);
	int r = d != NULL ? topology_new(&setup->shape, &d->topology, which) : -ENOMEM;

	*out = NULL;
	if (r < 0) {
		free(d);
		return r;
	}
	d->ping_timeout_us = setup->ping_timeout_us;
	d->page_heartbeat_us = setup->page_heartbeat_us;
	d->process_watchdog_us = setup->process_watchdog_us;
	d->actions = setup->actions;
	d->arg = setup->arg;
	*out = d;
	return 0;
}

void diagnosis_free(struct diagnosis *d)
{
	if (d == NULL)
		return;
	incident_fini(&d->now);
	host_events_fini(&d->host);
	page_ends_fini(&d->ends);
	browsers_fini(&d->browsers);
	slow_paths_fini(&d->slow);
	verdict_table_fini(&d->verdicts);
	probe_table_fini(&d->legs);
	topology_free(d->topology);
	free(d);
}

void diagnosis_go_on(struct diagnosis *d, uint64_t last_incident, uint64_t last_verdict)
{
	if (d->last_incident < last_incident)
		d->last_incident = last_incident;
	if (d->verdicts.given < last_verdict)
		d->verdicts.given = last_verdict;
}

int diagnosis_recall(struct diagnosis *d, const struct recall *r, uint64_t now_us)
{
	diagnosis_go_on(d, r->verdict.incident, r->verdict.id);
	return recall_restore(r, &d->verdicts, &d->legs, d->topology, now_us);
}

const struct probe_table *diagnosis_legs(const struct diagnosis *d)
{
	return &d->legs;
}

const struct verdict_table *diagnosis_verdicts(const struct diagnosis *d)
{
	return &d->verdicts;
}

uint64_t diagnosis_gathering(const struct diagnosis *d)
{
	return d->round.open ? d->now.id : 0;
}

static uint64_t sooner(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* ---- rounds of evidence ------------------------------------------------------------------------------- */

static void ask(struct diagnosis *d, uint64_t now_us)
{
	d->round.asked_us = now_us;
	d->round.ask_again = false;
	d->actions->probe(d->arg, d->now.id, d->now.began_us, NULL);
	for (size_t i = 0; i < d->now.n_drops; i++)
		if (!d->now.drops[i].returned)
			d->actions->probe(d->arg, d->now.id, d->now.began_us, d->now.drops[i].user);
}

static void round_open(struct diagnosis *d, uint64_t now_us)
{
	if (!d->round.open)
		d->round.opened_us = now_us;
	d->round.open = true;
	d->round.news_us = now_us;
}

/* Something broke at mono_us: joins the open incident, or opens one, and asks what works since. */
static void on_broke(struct diagnosis *d, uint64_t began_us, uint64_t wall_us, uint64_t mono_us, uint64_t now_us)
{
	struct incident *in = &d->now;
	bool first = in->id == 0, fresh = !d->round.open;

	if (first) {
		*in = (struct incident){.id = ++d->last_incident, .first_wall_us = wall_us, .began_us = began_us};
		in->first_us = mono_us < now_us ? mono_us : now_us;
		d->round = (struct round){.open = false};
	}
	in->last_us = now_us;
	in->began_us = sooner(in->began_us, began_us);
	round_open(d, now_us);
	if (first || fresh)
		ask(d, now_us);
	else if (began_us >= d->round.asked_us)
		d->round.ask_again = true;
}

/* More is known of what broke: judged again soon. */
static void on_evidence(struct diagnosis *d, uint64_t now_us)
{
	if (d->now.id != 0)
		round_open(d, now_us);
}

static bool only_shared_legs_fail(const struct diagnosis *d)
{
	bool fails = false;

	if (d->now.n_drops > 0)
		return false;
	for (size_t n = 0; n < d->legs.n; n++) {
		const struct leg *leg = d->legs.rows[n];

		if (leg_fails(leg) && (leg->def->per_user || evidence_is_of_new_connections(leg)))
			return false;
		fails = fails || leg_is_failing(leg);
	}
	return fails;
}

static bool users_have_spoken(const struct diagnosis *d, uint64_t after_us)
{
	for (size_t i = 0; i < d->now.n_live_tunnels; i++)
		if (d->now.live_tunnels[i].client_us > after_us)
			return true;
	return false;
}

static bool a_leg_fell_silent(const struct diagnosis *d)
{
	for (size_t n = 0; n < d->legs.n; n++)
		if (leg_is_failing(d->legs.rows[n]) && evidence_is_silence(d->legs.rows[n]))
			return true;
	return false;
}

/* A fault that hurts nobody yet may be the prober's own: users' heartbeats would show it.  Of silence, only those
 * that come when a page without answers would have given up. */
static bool waits_for_users(const struct diagnosis *d)
{
	if (d->round.classified_us != 0 || d->open_tunnels == 0 || !only_shared_legs_fail(d))
		return false;
	return !users_have_spoken(d, d->now.first_us + (a_leg_fell_silent(d) ? ANSWERED_US : 0));
}

static uint64_t users_wait_us(const struct diagnosis *d)
{
	return users_have_spoken(d, d->now.first_us) ? ANSWERED_WAIT_US : VANTAGE_WAIT_US;
}

static bool new_connections_fail(const struct diagnosis *d)
{
	for (size_t n = 0; n < d->legs.n; n++) {
		const struct leg *leg = d->legs.rows[n];

		if (leg->fresh.testimony == LEG_FAILED || (leg_fails(leg) && evidence_is_of_new_connections(leg)))
			return true;
	}
	return false;
}

/* Only fresh connections acquit there: those that legs make when they are asked are awaited. */
static bool fresh_is_due(const struct diagnosis *d, const struct leg *leg)
{
	return leg->fresh.state != ASPECT_UNKNOWN && leg->state == LEG_IS_UP &&
	       leg->fresh.reported_us < d->now.began_us;
}

/* What a leg of one user says matters to that user alone. */
static bool matters(const struct diagnosis *d, const struct leg *leg)
{
	return !leg->def->per_user || leg_fails(leg) || incident_drop(&d->now, leg->user) != NULL;
}

static bool all_legs_reported(const struct diagnosis *d)
{
	bool fresh = new_connections_fail(d);

	for (size_t n = 0; n < d->legs.n; n++)
		if (matters(d, d->legs.rows[n]) && (!leg_has_reported(d->legs.rows[n], d->round.asked_us) ||
		                                    (fresh && fresh_is_due(d, d->legs.rows[n]))))
			return false;
	return true;
}

/* Of an incident whose pages lost answers: perhaps only large messages are lost, which legs are sending now. */
static bool waits_for_large(const struct diagnosis *d)
{
	bool due = false, lost = false;

	for (size_t n = 0; n < d->legs.n; n++) {
		const struct leg *leg = d->legs.rows[n];

		due = due || (leg->large.state != ASPECT_UNKNOWN && leg->state == LEG_IS_UP &&
		              leg->large.reported_us < d->round.asked_us && leg->large.proven_us < d->now.began_us);
	}
	for (size_t i = 0; due && i < d->now.n_drops; i++)
		lost = lost || (d->now.drops[i].verdict == 0 && evidence_is_of_lost_answers(&d->now.drops[i]));
	return lost;
}

static bool legs_fail(const struct diagnosis *d)
{
	for (size_t n = 0; n < d->legs.n; n++)
		if (leg_fails(d->legs.rows[n]) || d->legs.rows[n]->resolver_testimony == LEG_FAILED ||
		    d->legs.rows[n]->fresh.testimony == LEG_FAILED || d->legs.rows[n]->large.testimony == LEG_FAILED)
			return true;
	return false;
}

/* When the round may be judged as things are now. */
static uint64_t classify_time(const struct diagnosis *d)
{
	const struct round *r = &d->round;
	uint64_t deadline = r->opened_us + d->ping_timeout_us + ROUND_GRACE_US;
	uint64_t at = r->news_us + SETTLE_US;

	if (waits_for_users(d))
		return r->opened_us + users_wait_us(d);
	if (waits_for_large(d))
		return r->opened_us + LARGE_WAIT_US;
	if (r->ask_again || !all_legs_reported(d))
		return deadline;
	if (!legs_fail(d) && d->now.n_drops > 0 && at < r->asked_us + LIVE_ROUND_US)
		at = r->asked_us + LIVE_ROUND_US;
	return at < deadline ? at : deadline;
}

/* When everything is to be asked once more; UINT64_MAX: not now. */
static uint64_t ask_time(const struct diagnosis *d)
{
	const struct round *r = &d->round;
	uint64_t at;

	if (d->now.id == 0)
		return UINT64_MAX;
	if (r->open && r->ask_again)
		return r->asked_us + ASK_AGAIN_US;
	if (r->open)
		return waits_for_users(d) ? r->asked_us + VANTAGE_ASK_US : UINT64_MAX;
	at = (r->asked_us > r->classified_us ? r->asked_us : r->classified_us) + FOLLOW_ASK_US;
	return at < d->now.last_us + FOLLOW_US ? at : UINT64_MAX;
}

static void legs_transition(struct diagnosis *d, enum leg_input_kind kind, uint64_t verdict)
{
	struct leg_input in = {.kind = kind, .verdict = verdict};

	probe_table_transition(&d->legs, &in);
}

/* Drops that a verdict explained which had ended before are heard. */
static void drops_of_ended_remove(struct diagnosis *d)
{
	for (size_t i = 0; i < d->verdicts.n; i++)
		if (d->verdicts.rows[i]->state != VERDICT_STANDING)
			incident_drops_remove(&d->now, d->verdicts.rows[i]->id);
}

static int round_classify(struct diagnosis *d, uint64_t now_us)
{
	struct classify_input in = {.incident = &d->now,
	                            .legs = &d->legs,
	                            .topology = d->topology,
	                            .host = &d->host,
	                            .verdicts = &d->verdicts,
	                            .now_us = now_us,
	                            .report = d->actions->verdict,
	                            .arg = d->arg};
	int r;

	d->actions->look(d->arg, d);
	pressure_window(&d->pressure, d->now.first_us, &d->now.host_pressure);
	r = classify(&in);
	legs_transition(d, LEG_CLASSIFIED, 0);
	drops_of_ended_remove(d);
	d->round.open = d->round.host_news = false;
	d->round.classified_us = now_us;
	return r;
}

/* ---- the ends of verdicts and incidents ------------------------------------------------------------------- */

static void verdicts_end(struct diagnosis *d, uint64_t now_us)
{
	struct verdict *v;

	while ((v = verdict_table_end_next(&d->verdicts, &d->legs, now_us)) != NULL) {
		legs_transition(d, LEG_VERDICT_OVER, v->id);
		incident_drops_remove(&d->now, v->id);
		d->actions->ended(d->arg, v);
	}
}

static bool verdicts_stand(const struct diagnosis *d)
{
	for (size_t i = 0; i < d->verdicts.n; i++)
		if (d->verdicts.rows[i]->state == VERDICT_STANDING && d->verdicts.rows[i]->open_in == d->now.id)
			return true;
	return false;
}

/* When the incident takes no more evidence. */
static uint64_t close_time(const struct diagnosis *d)
{
	if (d->now.id == 0 || d->round.open)
		return UINT64_MAX;
	if (!verdicts_stand(d))
		return (d->now.host_explains || d->now.echoes) && legs_fail(d) ? d->now.last_us + FOLLOW_US
		                                                               : d->round.classified_us;
	return d->now.last_us + EVIDENCE_US;
}

static void incident_close(struct diagnosis *d)
{
	legs_transition(d, LEG_INCIDENT_OVER, 0);
	incident_fini(&d->now);
	d->round = (struct round){.open = false};
}

static void ends_decide(struct diagnosis *d, uint64_t now_us);

int diagnosis_finish(struct diagnosis *d, uint64_t now_us)
{
	bool ours = false;

	for (size_t i = 0; i < d->now.n_drops; i++)
		ours = ours || (d->now.drops[i].verdict == 0 &&
		                page_evidence_side(d->now.drops[i].evidence) == PAGE_SIDE_DISPATCH);
	return d->round.open && ours ? round_classify(d, now_us) : 0;
}

int diagnosis_tick(struct diagnosis *d, uint64_t now_us, uint64_t *next_us)
{
	int r = 0;

	ends_decide(d, now_us);
	if (now_us >= ask_time(d))
		ask(d, now_us);
	if (d->round.open && now_us >= classify_time(d))
		r = round_classify(d, now_us);
	if (!d->round.host_news)
		verdicts_end(d, now_us);
	verdict_table_expire(&d->verdicts, now_us);
	if (now_us >= close_time(d))
		incident_close(d);
	*next_us = sooner(ask_time(d), d->round.open ? classify_time(d) : close_time(d));
	*next_us = sooner(*next_us, page_ends_due_us(&d->ends));
	if (!d->round.host_news)
		*next_us = sooner(*next_us, verdict_table_due_us(&d->verdicts));
	return r;
}

/* ---- what is slow ----------------------------------------------------------------------------------- */

static int slow_look(struct diagnosis *d, uint64_t now_us)
{
	struct slow_report report;
	int r = slow_paths_look(&d->slow, &d->legs, d->topology, now_us, &report);

	if (r == 1)
		d->actions->slow(d->arg, &report);
	return r < 0 ? r : 0;
}

static int slow_user(struct diagnosis *d, const char *user, bool slow, uint64_t now_us)
{
	const char *name = topology_name(d->topology, user);
	int r = name != NULL ? slow_paths_user(&d->slow, name, slow) : -ENOMEM;

	return r < 0 ? r : slow_look(d, now_us);
}

/* A round trip or a wait that the host explains says nothing of the path. */
static bool is_of_the_host(const struct diagnosis *d, bool of_leg, uint64_t waited_us, uint64_t at_us)
{
	const struct host_question q = {
	    .prober = of_leg, .proxy = true, .began_us = at_us - sooner(at_us, waited_us), .seen_us = at_us};

	return waited_us > 0 && host_events_find(&d->host, &q) != NULL;
}

/* ---- reports of legs ------------------------------------------------------------------------------------------ */

/* When what the report is about had certainly begun to fail. */
static uint64_t broke_began(const struct leg *leg, enum leg_input_kind kind)
{
	switch (kind) {
	case LEG_LOOKED_UP:
		return leg->resolver_began_us;
	case LEG_FRESH:
		return leg->fresh.began_us;
	case LEG_LARGE:
		return leg->large.began_us;
	default:
		return leg->began_us;
	}
}

/* New connections of a leg fail as before, but users have opened tunnels: what that acquits is judged. */
static bool is_contradicted(const struct diagnosis *d, const struct leg *leg, enum leg_input_kind kind)
{
	bool fails = kind == LEG_FRESH ? leg->fresh.state == ASPECT_FAILS : kind == LEG_ATTEMPT;

	for (size_t i = 0; fails && i < d->now.n_live_tunnels; i++)
		if (d->now.live_tunnels[i].opened_us > 0)
			return true;
	return false;
}

int diagnosis_leg(struct diagnosis *d, const struct leg_report *r, uint64_t now_us)
{
	uint64_t mono_us = r->mono_us > 0 ? r->mono_us : now_us;
	struct leg_input in = {.kind = r->kind,
	                       .step = r->step,
	                       .reason = r->reason,
	                       .code = r->code,
	                       .wall_us = r->wall_us,
	                       .mono_us = mono_us,
	                       .waited_us = r->waited_us,
	                       .age_us = r->age_us,
	                       .host = (r->kind == LEG_ALIVE || r->kind == LEG_LOOKED_UP) &&
	                               is_of_the_host(d, true, r->waited_us, mono_us)};
	struct leg *leg;
	unsigned news;
	int found = probe_table_get(&d->legs, d->topology, r->name, r->user, &leg);

	if (found < 0)
		return found == -ENOENT ? 0 : found;
	news = leg_transition(leg, &in);
	if (news & LEG_NEWS_WALLED_OFF)
		d->actions->walled_off(d->arg, leg->def->name);
	if ((news & LEG_NEWS_BROKE) && r->kind == LEG_DOWN && !leg->def->per_user)
		page_ends_leg_broke(&d->ends, mono_us);
	if (news & LEG_NEWS_BROKE)
		on_broke(d, broke_began(leg, r->kind), r->wall_us, mono_us, now_us);
	else if ((news & LEG_NEWS_EVIDENCE) || is_contradicted(d, leg, r->kind))
		on_evidence(d, now_us);
	ends_decide(d, now_us);
	return news & LEG_NEWS_SLOW ? slow_look(d, now_us) : 0;
}

int diagnosis_leg_gone(struct diagnosis *d, const char *name, const char *user, uint64_t now_us)
{
	struct leg *leg;
	int found = probe_table_get(&d->legs, d->topology, name, user, &leg);

	(void)now_us;
	if (found < 0)
		return found == -ENOENT ? 0 : found;
	probe_table_remove(&d->legs, leg);
	return 0;
}

void diagnosis_prober_replaced(struct diagnosis *d, uint64_t wall_us)
{
	const struct leg_input replaced = {.kind = LEG_PROBER_REPLACED, .wall_us = wall_us};

	probe_table_transition(&d->legs, &replaced);
}

/* ---- reports of users' tunnels -----------------------------------------------------------------------------------
 */

static uint64_t quiet_of(const struct end_report *r)
{
	switch (reason_side(r->reason)) {
	case SIDE_CLIENT:
		return r->idle_client_us;
	case SIDE_SERVE:
		return r->idle_upstream_us;
	default:
		return r->idle_client_us > r->idle_upstream_us ? r->idle_client_us : r->idle_upstream_us;
	}
}

/* How long before its end the drop had certainly begun: nothing for what was cut, all the silence of what fell
 * silent. */
static uint64_t begun_before_us(const struct end_report *r, enum page_evidence evidence, uint64_t quiet_us)
{
	switch (evidence) {
	case PAGE_LATE_PINGS:
		return (r->page.late_pings > 0 ? r->page.late_pings - 1 : 0) * r->page.period_us;
	case PAGE_SERVER_LATE:
		return r->page.waiting_us;
	case PAGE_ANSWERS_NOT_TAKEN:
		return r->page.queued_us;
	case PAGE_ANSWERS_LOST:
		return r->page
		    .period_us; /* the Ping before the last one was answered, and in vain: so much is certain */
	case PAGE_NONE:
		break;
	default:
		return 0;
	}
	switch (r->reason) {
	case T3OPS_R_CLIENT_EOF:
	case T3OPS_R_CLIENT_RESET:
	case T3OPS_R_UPSTREAM_CLOSED:
	case T3OPS_R_UPSTREAM_EOF:
	case T3OPS_R_UPSTREAM_RESET:
		return 0;
	default:
		return quiet_us;
	}
}

/* before_us: how long before its end it had begun. */
static void drop_begun(struct drop *d, uint64_t before_us, uint64_t period_us)
{
	d->began_us = d->seen_us > before_us ? d->seen_us - before_us : 0;
	d->earliest_us = d->began_us;
	if (d->evidence == PAGE_LATE_PINGS || d->evidence == PAGE_ANSWERS_LOST)
		d->earliest_us -= sooner(d->began_us, period_us);
}

static void drop_fill(struct drop *d, const struct end_report *r, const char *user, enum page_evidence evidence,
                      uint64_t now_us)
{
	uint64_t quiet = quiet_of(r);

	*d = (struct drop){
	    .user = user, .evidence = evidence, .reason = r->reason, .code = r->code, .quiet_us = quiet};
	d->seen_us = r->mono_us > 0 ? r->mono_us : now_us;
	drop_begun(d, begun_before_us(r, evidence, quiet), r->page.period_us);
	d->received_us = d->seen_us > r->idle_client_us ? d->seen_us - r->idle_client_us : 0;
	d->opened_us = r->age_us > 0 && d->seen_us > r->age_us ? d->seen_us - r->age_us : 0;
	d->tunnel = r->tunnel;
	snprintf(d->why, sizeof d->why, "%s", r->why);
	snprintf(d->address, sizeof d->address, "%s", r->address);
	snprintf(d->colo, sizeof d->colo, "%s", r->colo);
}

/* Which of two tunnels of one user says more. */
static bool says_more(enum page_evidence a, enum page_evidence b)
{
	static const int weight[] = {
	    [PAGE_SIDE_NOBODY] = 0, [PAGE_SIDE_CUT] = 1,      [PAGE_SIDE_BEFORE_US] = 2,
	    [PAGE_SIDE_SERVE] = 2,  [PAGE_SIDE_DISPATCH] = 2,
	};

	return weight[page_evidence_side(a)] > weight[page_evidence_side(b)];
}

static int drop_take(struct diagnosis *d, const struct drop *drop, bool late, uint64_t wall_us, uint64_t now_us)
{
	struct drop *known;
	unsigned tunnels;

	d->actions->dropped(d->arg, drop, late);
	on_broke(d, drop->began_us, wall_us, drop->seen_us, now_us);
	known = incident_drop(&d->now, drop->user);
	if (known == NULL) {
		known = incident_drop_add(&d->now, drop);
		d->actions->probe(d->arg, d->now.id, d->now.began_us, drop->user);
	}
	if (known == NULL)
		return -ENOMEM;
	tunnels = known->verdict != 0 ? 0 : known->tunnels;
	if (known->verdict != 0 || says_more(drop->evidence, known->evidence))
		*known = *drop;
	known->tunnels = tunnels + 1;
	return 0;
}

/* Whether a leg of the user's path fails, or a verdict that legs gave is not long over: what a page does then is no
 * chance. */
static bool fault_is_known(const struct diagnosis *d, const char *user, uint64_t now_us)
{
	struct tomo_path path;

	for (size_t i = 0; i < d->legs.n; i++) {
		const struct leg *leg = d->legs.rows[i];

		if ((!leg->def->per_user || leg->user == user) && (leg_fails(leg) || leg_is_failing(leg)))
			return true;
	}
	topology_user_path(d->topology, user, USER_ALL, &path);
	return verdict_table_is_recent(&d->verdicts, &path, now_us);
}

/* Whether t3ops or its machine stood still before that end, so that nothing got its answers. */
static bool host_stood_still(const struct diagnosis *d, const struct page_facts *f, const struct drop *end)
{
	const struct host_question q = {.proxy = true,
	                                .others_prompt = true,
	                                .began_us = end->seen_us - sooner(end->seen_us, f->period_us),
	                                .seen_us = end->seen_us};

	return f->end == PAGE_END_CLIENT_CLOSE && host_events_find(&d->host, &q) != NULL;
}

static void ends_look(struct diagnosis *d, uint64_t now_us)
{
	for (size_t i = 0; i < d->ends.n; i++) {
		struct page_end_row *row = &d->ends.rows[i];

		row->facts.fault_known = fault_is_known(d, row->drop.user, now_us) ||
		                         host_stood_still(d, &row->facts, &row->drop);
	}
}

/* Whether nothing but a fault that is known makes it a drop. */
static bool is_by_fault_alone(const struct page_facts *f)
{
	struct page_facts alone = *f;

	alone.fault_known = alone.with_leg = false;
	return !page_end_is_drop(&alone);
}

/* Drops among the ends that waited. */
static void ends_decide(struct diagnosis *d, uint64_t now_us)
{
	struct page_end_row row;

	ends_look(d, now_us);
	while (page_ends_take(&d->ends, now_us, &row)) {
		row.drop.supported = is_by_fault_alone(&row.facts);
		row.drop.returned = row.facts.back != PAGE_NOT_BACK && !row.facts.attempt_lost;
		if (row.drop.evidence == PAGE_ANSWERS_LOST)
			drop_begun(&row.drop, row.facts.period_us, row.facts.period_us);
		drop_take(d, &row.drop, true, row.wall_us, now_us);
	}
}

/* What the end was, as far as it can be said at once.  NONE: nothing is known of the page. */
static enum page_evidence evidence_now(const struct end_report *r)
{
	return r->page.end != PAGE_END_NONE ? page_evidence_classify(&r->page) : PAGE_NONE;
}

static bool is_drop(const struct end_report *r, enum page_evidence evidence)
{
	if (evidence == PAGE_NONE)
		return r->dropped && evidence_of_drop(evidence, r->reason) != USER_NONE;
	return page_evidence_class(evidence) == PAGE_CLASS_DROP;
}

static int tunnel_end(struct diagnosis *d, const struct end_report *r, const char *user, uint64_t now_us)
{
	enum page_evidence evidence = evidence_now(r);
	struct page_end_row row = {.facts = r->page, .wall_us = r->wall_us};
	int result = evidence == PAGE_LEFT_HUNG ? slow_user(d, user, true, now_us) : 0;

	if (result == 0) /* who is gone waits for nothing */
		result = slow_user(d, user, false, now_us);
	if (result < 0)
		return result;
	if (evidence == PAGE_ABANDONED && r->page.age_us > r->page.period_us)
		page_ends_attempt_lost(&d->ends, user);
	drop_fill(&row.drop, r, user, evidence, now_us);
	if (is_drop(r, evidence))
		return drop_take(d, &row.drop, false, r->wall_us, now_us);
	if (page_end_waits(&r->page))
		result = page_ends_add(&d->ends, &row);
	ends_decide(d, now_us);
	return result;
}

static struct page_facts facts_complete(const struct diagnosis *d, const struct page_facts *facts, uint64_t age_us)
{
	struct page_facts all = *facts;

	all.period_us = d->page_heartbeat_us;
	all.age_us = age_us;
	return all;
}

int diagnosis_tunnel_end(struct diagnosis *d, const struct end_report *r, uint64_t now_us)
{
	const char *user = topology_name(d->topology, r->user);
	struct end_report whole = *r;

	if (user == NULL)
		return -ENOMEM;
	d->open_tunnels -= d->open_tunnels > 0;
	whole.page = facts_complete(d, &r->page, r->age_us);
	whole.page.idle_us = r->idle_client_us;
	if (browsers_ended(&d->browsers, user, &whole.page) < 0)
		return -ENOMEM;
	return tunnel_end(d, &whole, user, now_us);
}

/* A page that fell silent may sleep, or be cut off: everything is asked, and nobody accused. */
static void question_open(struct diagnosis *d, const struct page_facts *facts, uint64_t wall_us, uint64_t now_us)
{
	uint64_t began_us = now_us > facts->since_ping_us ? now_us - facts->since_ping_us : 0;

	on_broke(d, began_us, wall_us, now_us, now_us);
}

int diagnosis_page(struct diagnosis *d, const char *user, const struct page_facts *facts, uint64_t wall_us,
                   uint64_t now_us)
{
	struct page_facts all = facts_complete(d, facts, 0);
	struct live_report live = {.user = user, .client_us = now_us - sooner(now_us, facts->since_ping_us)};
	int r;

	switch (page_evidence_classify(&all)) {
	case PAGE_WENT_SILENT:
		question_open(d, facts, wall_us, now_us);
		return slow_user(d, user, false, now_us);
	case PAGE_LATE_HEARTBEAT:
		if (is_of_the_host(d, false, facts->waiting_us > 0 ? facts->waiting_us : d->page_heartbeat_us,
		                   now_us))
			return 0;
		return slow_user(d, user, true, now_us);
	case PAGE_NONE:
		r = diagnosis_tunnel_live(d, &live, now_us);
		return r < 0 ? r : slow_user(d, user, false, now_us);
	default:
		return 0;
	}
}

int diagnosis_tunnel_open(struct diagnosis *d, const struct open_report *r, uint64_t now_us)
{
	const char *user = topology_name(d->topology, r->user);
	struct drop *drop;
	int result;

	if (user == NULL)
		return -ENOMEM;
	d->open_tunnels++;
	if (d->now.id != 0 && incident_live_tunnel(&d->now, &(struct live_tunnel){user, 0, 0, now_us}) < 0)
		return -ENOMEM;
	if (page_ends_back(&d->ends, user, r->address, now_us) && browsers_left(&d->browsers, user) < 0)
		return -ENOMEM;
	result = slow_user(d, user, false, now_us);
	ends_decide(d, now_us);
	verdict_table_user_back(&d->verdicts, user);
	drop = incident_drop(&d->now, user);
	if (drop != NULL) {
		drop->returned = true;
		drop->moved = drop->address[0] != '\0' && r->address[0] != '\0' &&
		              strcmp(drop->address, r->address) != 0;
		drop->other_colo = drop->colo[0] != '\0' && r->colo[0] != '\0' && strcmp(drop->colo, r->colo) != 0;
	}
	return result;
}

int diagnosis_tunnel_live(struct diagnosis *d, const struct live_report *r, uint64_t now_us)
{
	struct live_tunnel live = {topology_name(d->topology, r->user), r->client_us, r->serve_us, 0};
	int result;

	d->open_tunnels += d->open_tunnels == 0; /* one that was opened before there was this diagnosis */
	if (d->now.id == 0)
		return 0;
	result = live.user != NULL ? incident_live_tunnel(&d->now, &live) : -ENOMEM;
	if (!d->round.open && verdicts_stand(d))
		on_evidence(d, now_us);
	return result;
}

int diagnosis_navigation(struct diagnosis *d, const char *user, bool http2, uint64_t now_us)
{
	const char *name = topology_name(d->topology, user);

	if (name == NULL || browsers_navigation(&d->browsers, name, http2) < 0)
		return -ENOMEM;
	return page_ends_navigation(&d->ends, name, now_us);
}

/* ---- reports of the host -------------------------------------------------------------------------------- */

/* What the open incident may still ask about is kept. */
static uint64_t keep_us(const struct diagnosis *d, uint64_t now_us)
{
	uint64_t keep = now_us > EVIDENCE_US ? now_us - EVIDENCE_US : 0;

	return d->now.id != 0 ? sooner(keep, d->now.began_us) : keep;
}

static int host_take(struct diagnosis *d, const struct host_event *e, uint64_t now_us)
{
	int r = host_events_add(&d->host, e, keep_us(d, now_us));

	if (r == 1 && e->kind != HOST_FROZEN && e->kind != HOST_PROXY_GONE)
		d->actions->host(d->arg, e);
	return r < 0 ? r : 0;
}

int diagnosis_host(struct diagnosis *d, const struct host_event *e, uint64_t now_us)
{
	int r = host_take(d, e, now_us);

	ends_decide(d, now_us);
	on_evidence(d, now_us);
	d->round.host_news = d->round.open;
	return r;
}

int diagnosis_pressure(struct diagnosis *d, const struct pressure *sample)
{
	struct host_event e;
	int r = 0;

	if (host_event_of_kills(&d->last_sample, sample, &e))
		r = host_take(d, &e, sample->mono_us);
	if (r == 0 && host_event_of_strain(&d->last_sample, sample, &e))
		r = host_take(d, &e, sample->mono_us);
	if (r == 0 && host_event_of_starvation(&d->last_sample, sample, &e))
		r = host_take(d, &e, sample->mono_us);
	pressure_add(&d->pressure, sample);
	d->last_sample.oom_kills = sample->oom_kills;
	d->last_sample.kills_known = sample->kills_known;
	if (!d->last_sample.known || sample->mono_us >= d->last_sample.mono_us + STRAIN_SPAN_US)
		d->last_sample = *sample;
	return r;
}

/* The watchdog's pings are three to a limit, and the fourth is the last: it hung for up to twice as long. */
int diagnosis_proxy_gone(struct diagnosis *d, bool hung, uint64_t mono_us, uint64_t now_us)
{
	uint64_t hung_us = hung ? sooner(mono_us, 2 * d->process_watchdog_us) : 0;
	const struct host_event e = {
	    .kind = HOST_PROXY_GONE, .from_us = mono_us - hung_us, .until_us = mono_us, .length_us = hung_us};

	return diagnosis_host(d, &e, now_us);
}

void diagnosis_woke(struct diagnosis *d, uint64_t late_us, uint64_t now_us)
{
	if (!d->round.open)
		return;
	d->round.opened_us += late_us + SETTLE_US;
	d->round.news_us = now_us;
}
