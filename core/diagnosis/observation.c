/* SPDX-License-Identifier: MIT */
/* All that was seen in an incident; see observation.h. */
#include "diagnosis/observation.h"

#include <errno.h>
#include <stdlib.h>

#include "diagnosis/incident_timing.h"
#include "plugin.h"
#include "tbl/reason.h"

/* ---- what fails ------------------------------------------------------------------------------------------- */

static struct observation *row_new(struct observations *o)
{
	struct observation *row = &o->rows[o->n];

	*row = (struct observation){.by = TOMO_BY_ALL, .proof = TOMO_BY_LEG, .answer = TOMO_BY_ANSWERED};
	return row;
}

static unsigned proofs_against(const struct leg *leg)
{
	if (leg->def->per_user)
		return TOMO_BY_LEG;
	if (evidence_is_of_new_connections(leg))
		return TOMO_BY_FRESH | TOMO_BY_OPENED;
	if (evidence_is_silence(leg))
		return (TOMO_BY_ALL & ~TOMO_BY_USER) | TOMO_BY_BACK_ANSWERED;
	return TOMO_BY_ALL | TOMO_BY_BACK | TOMO_BY_BACK_ANSWERED;
}

static unsigned proofs_against_drop(const struct drop *d, enum user_part part)
{
	if (part == USER_SERVE || part == USER_DISPATCH)
		return 0;
	if (evidence_is_of_lost_answers(d))
		return TOMO_BY_ALL & ~TOMO_BY_USER;
	if (d->evidence == PAGE_LATE_PINGS || d->evidence == PAGE_FEW_PINGS) /* a gap that is over: who came back
	                                                                      * lived through none */
		return TOMO_BY_LEG | TOMO_BY_FRESH | TOMO_BY_STEADY;
	return TOMO_BY_ALL;
}

/* The same parts as topology.h has them, over a location. */
static void leg_path(struct topology *t, const struct leg *leg, const char *colo, enum leg_part part,
                     struct tomo_path *out)
{
	topology_leg_path(t, leg->def, leg->user, part, out);
	if (part != PART_RESOLVER)
		topology_locate(t, colo, out);
}

static void user_path(struct topology *t, const char *user, const char *colo, enum user_part part,
                      struct tomo_path *out)
{
	topology_user_path(t, user, part, out);
	topology_locate(t, colo, out);
}

/* Whether the leg ends at t3ops, so that a proxy that stands still shows there, too. */
static bool crosses_dispatch(const struct leg *leg, struct topology *t)
{
	struct tomo_path all, dispatch;

	topology_leg_path(t, leg->def, leg->user, PART_ALL, &all);
	topology_user_path(t, leg->user, USER_DISPATCH, &dispatch);
	return tomo_paths_meet(&all, &dispatch, NULL);
}

/* A program on this machine is gone. */
static bool says_process_ended(unsigned reason)
{
	return reason == T3OPS_R_EOF || reason == T3OPS_R_RESET || reason == T3OPS_R_REFUSED ||
	       reason == T3OPS_R_CLOSED;
}

/* Nothing came in time; a machine that has too much to do is late, and resets nothing. */
static bool is_unanswered(unsigned reason)
{
	return leg_end_is_unanswered(reason) || reason == T3OPS_R_LARGE_LOST;
}

/* What all legs together show: there may be tens of thousands, and thousands of failures to compare it with. */
struct legs_seen {
	const struct probe_table *legs;
	uint64_t prompt_us; /* when the latest ping was sent that a leg answered in time; 0: none */
};

static uint64_t later(uint64_t a_us, uint64_t b_us)
{
	return a_us > b_us ? a_us : b_us;
}

static struct legs_seen legs_look(const struct probe_table *legs)
{
	struct legs_seen seen = {.legs = legs};

	for (size_t i = 0; i < legs->n; i++) {
		const struct leg *leg = legs->rows[i];

		if (!leg_fails(leg) && leg->rtt_us < PROMPT_US)
			seen.prompt_us = later(seen.prompt_us, leg->alive_us);
	}
	return seen;
}

/* Whether a leg answered a ping of after that time, and in time: no machine is overloaded for one path alone. */
static bool others_are_prompt(const struct legs_seen *seen, uint64_t began_us)
{
	return seen->prompt_us > began_us;
}

/* Nothing came, or there is no route: nobody outside said anything. */
static bool is_mute(unsigned reason)
{
	return is_unanswered(reason) || reason == T3OPS_R_UNREACHABLE;
}

/* What the event, if there is one, makes of what failed. */
static void host_explain(struct observation *row, const struct host_event *e, struct topology *t)
{
	if (e == NULL || e->kind != HOST_PROXY_GONE) {
		row->host = e;
		return;
	}
	row->ours = e;
	row->by = 0;
	row->acquitted.n = 0;
	topology_user_path(t, "", USER_DISPATCH, &row->accused);
}

/* How long after it what fails may still be its echo. */
static uint64_t thaw_us(const struct host_event *e)
{
	return e->kind == HOST_OFFLINE ? OFFLINE_AFTER_US : THAW_US;
}

/* What a leg does long after the host was back is its own. */
static void host_explain_leg(struct observation *row, const struct legs_seen *legs, const struct host_events *host,
                             struct topology *t)
{
	const struct leg *leg = row->leg;
	const struct host_question q = {
	    .prober = true,
	    .proxy = crosses_dispatch(leg, t),
	    .ended = leg->def->per_user && says_process_ended(leg->first.reason),
	    .unanswered = is_unanswered(leg->attempted ? leg->latest.reason : leg->first.reason),
	    .others_prompt = others_are_prompt(legs, row->began_us),
	    .outward = !leg->def->per_user && is_mute(leg->attempted ? leg->latest.reason : leg->first.reason),
	    .tried_us = leg->attempted ? leg->attempt_us : leg->broke_us,
	    .heard_us = later(leg->alive_us, leg->fresh.proven_us),
	    .began_us = row->began_us,
	    .seen_us = row->seen_us};
	const struct host_event *e = host_events_find(host, &q);

	if (e != NULL && leg->attempted && host_event_is_over(e, leg->attempt_us, thaw_us(e)))
		row->began_us = e->until_us;
	else
		host_explain(row, e, t);
}

/* What fell silent may have worked until then, and be another fault than what broke before. */
static uint64_t leg_began_us(const struct leg *leg, uint64_t began_us)
{
	return later(began_us, leg->unanswered_us);
}

static void add_failing_leg(struct observations *o, struct leg *leg, const struct legs_seen *legs,
                            const struct host_events *host, struct topology *t)
{
	struct observation *row = row_new(o);
	struct end_evidence e = evidence_of_leg(leg);

	row->leg = leg;
	row->began_us = leg->began_us;
	row->seen_us = leg->broke_us;
	row->by = proofs_against(leg);
	leg_path(t, leg, leg->broke_colo, e.accused, &row->accused);
	leg_path(t, leg, leg->broke_colo, e.acquitted, &row->acquitted);
	row->proof |= TOMO_BY_FRESH;
	row->proven_us = e.until_end ? leg->attempt_us : leg->attempt_began_us;
	if (!e.until_end && row->proven_us == leg->unanswered_us)
		row->acquitted.n = 0; /* it worked until the silence began: that acquits nothing of what goes on */
	row->verdict = leg->verdict;
	if (row->accused.n == 0)
		return;
	host_explain_leg(row, legs, host, t);
	row->began_us = leg_began_us(leg, row->began_us);
	o->n++;
}

/* The same of what a leg measures beside its connection. */
static void host_explain_aspect(struct observation *row, const struct legs_seen *legs, const struct host_events *host,
                                struct topology *t)
{
	unsigned reason = row->fresh ? row->leg->fresh.end.reason : row->leg->large.end.reason;
	const struct host_question q = {.prober = true,
	                                .proxy = crosses_dispatch(row->leg, t),
	                                .unanswered = is_unanswered(reason),
	                                .others_prompt = others_are_prompt(legs, row->began_us),
	                                .outward = !row->leg->def->per_user && is_mute(reason),
	                                .tried_us = row->seen_us,
	                                .heard_us = later(row->leg->alive_us, row->leg->fresh.proven_us),
	                                .began_us = row->began_us,
	                                .seen_us = row->seen_us};
	const struct host_event *e = host_events_find(host, &q);

	if (e != NULL && host_event_is_over(e, row->seen_us, thaw_us(e)))
		row->began_us = e->until_us;
	else
		host_explain(row, e, t);
}

/* A leg that was answered on its own connection since then shows that what is before the edge lives. */
static uint64_t fresh_proven_us(const struct leg *leg, bool until_end)
{
	if (until_end)
		return leg->fresh.reported_us;
	return leg_fails(leg) ? leg->fresh.failed_us : later(leg->fresh.failed_us, leg->alive_us);
}

static void add_failing_fresh(struct observations *o, struct leg *leg, const struct legs_seen *legs,
                              const struct host_events *host, struct topology *t)
{
	struct observation *row = row_new(o);
	struct end_evidence e = evidence_of_end(leg->def, &leg->fresh.end);

	row->leg = leg;
	row->fresh = true;
	row->began_us = leg->fresh.began_us;
	row->seen_us = leg->fresh.reported_us;
	row->proven_us = fresh_proven_us(leg, e.until_end);
	row->by = e.accused == PART_RESOLVER ? TOMO_BY_ALL & ~TOMO_BY_USER : TOMO_BY_FRESH | TOMO_BY_OPENED;
	row->proof |= TOMO_BY_FRESH;
	leg_path(t, leg, leg->fresh.broke_colo, e.accused, &row->accused);
	leg_path(t, leg, leg->fresh.broke_colo, e.acquitted, &row->acquitted);
	row->verdict = leg->fresh.verdict;
	host_explain_aspect(row, legs, host, t);
	o->n += row->accused.n > 0;
}

static void add_failing_large(struct observations *o, struct leg *leg, const struct legs_seen *legs,
                              const struct host_events *host, struct topology *t)
{
	struct observation *row = row_new(o);

	row->leg = leg;
	row->large = true;
	row->began_us = leg->large.began_us;
	row->seen_us = leg->large.reported_us;
	row->by = TOMO_BY_LARGE;
	leg_path(t, leg, leg->large.broke_colo, PART_ALL, &row->accused);
	row->verdict = leg->large.verdict;
	host_explain_aspect(row, legs, host, t);
	o->n++;
}

static void add_failing_resolver(struct observations *o, struct leg *leg, const struct legs_seen *legs,
                                 const struct host_events *host, struct topology *t)
{
	struct observation *row = row_new(o);
	const struct host_question q = {.prober = true,
	                                .unanswered = true,
	                                .others_prompt = others_are_prompt(legs, leg->resolver_asked_us),
	                                .outward = true,
	                                .tried_us = leg->resolver_asked_us,
	                                .heard_us = leg->looked_up_us,
	                                .began_us = leg->resolver_began_us,
	                                .seen_us = leg->resolver_began_us};

	row->leg = leg;
	row->resolver = true;
	row->began_us = row->seen_us = leg->resolver_began_us;
	row->by = TOMO_BY_ALL & ~TOMO_BY_USER;
	row->host = host_events_find(host, &q);
	topology_leg_path(t, leg->def, leg->user, PART_RESOLVER, &row->accused);
	row->verdict = leg->resolver_verdict;
	o->n++;
}

static bool is_end_of_process(const struct drop *d)
{
	if (d->evidence != PAGE_NONE)
		return d->evidence == PAGE_SERVER_ENDED || d->evidence == PAGE_LOST_BY_US;
	return d->reason == T3OPS_R_UPSTREAM_EOF || d->reason == T3OPS_R_UPSTREAM_RESET;
}

/* Small messages that pass prove little where large ones are lost: a page that broke there needs large ones. */
static void large_loss_explain(struct observation *row, const struct probe_table *legs, struct topology *t)
{
	for (size_t i = 0; i < legs->n; i++) {
		const struct leg *leg = legs->rows[i];
		struct tomo_path lost, shared;

		if (!leg_aspect_fails(&leg->large))
			continue;
		leg_path(t, leg, leg->large.broke_colo, PART_ALL, &lost);
		if (!tomo_paths_meet(&row->accused, &lost, &shared))
			continue;
		row->accused = shared;
		row->by = TOMO_BY_LARGE;
	}
}

bool observation_users_heard(const struct incident *in, const struct host_event *e)
{
	for (size_t i = 0; i < in->n_live_tunnels; i++)
		if (host_event_heard(e, in->live_tunnels[i].client_us))
			return true;
	return false;
}

/* What explains a drop: no want of a network over which others are heard. */
static const struct host_event *host_of_drop(struct host_question *q, const struct incident *in,
                                             const struct host_events *host)
{
	const struct host_event *e = host_events_find(host, q);

	if (e == NULL || e->kind != HOST_OFFLINE || !observation_users_heard(in, e))
		return e;
	q->outward = false;
	return host_events_find(host, q);
}

static void add_drop(struct observations *o, struct drop *d, const struct incident *in, const struct legs_seen *legs,
                     const struct host_events *host, struct topology *t)
{
	struct observation *row = row_new(o);
	enum user_part part = evidence_of_drop(d->evidence, d->reason);
	struct host_question q = {.proxy = part != USER_SERVE,
	                          .ended = is_end_of_process(d),
	                          .unanswered = d->began_us < d->seen_us,
	                          .others_prompt = others_are_prompt(legs, d->began_us),
	                          .outward = part == USER_TO_DISPATCH || part == USER_ALL,
	                          .tried_us = d->seen_us,
	                          .heard_us = d->received_us,
	                          .began_us = d->began_us,
	                          .seen_us = d->seen_us};

	row->drop = d;
	row->began_us = d->began_us;
	row->seen_us = d->seen_us;
	row->by = proofs_against_drop(d, part);
	user_path(t, d->user, d->colo, part, &row->accused);
	if (row->by != 0 && d->evidence != PAGE_LATE_PINGS && d->evidence != PAGE_FEW_PINGS)
		large_loss_explain(row, legs->legs, t);
	row->verdict = d->verdict;
	if (row->accused.n == 0)
		return;
	host_explain(row, host_of_drop(&q, in, host), t);
	o->n++;
}

/* ---- what works -------------------------------------------------------------------------------------------- */

static void add_working_leg(struct observations *o, struct leg *leg, struct topology *t)
{
	struct observation *row = row_new(o);

	row->leg = leg;
	row->proof |= leg->fresh.state == ASPECT_UNKNOWN ? TOMO_BY_FRESH : 0;
	row->proven_us = leg->alive_us;
	leg_path(t, leg, leg->alive_colo, PART_ALL, &row->acquitted);
	o->n++;
}

/* Its fresh connections, or its large messages, which were sent on those. */
static void add_working_aspect(struct observations *o, struct leg *leg, bool large, struct topology *t)
{
	struct observation *row = row_new(o);

	row->leg = leg;
	row->fresh = !large;
	row->large = large;
	row->proof |= TOMO_BY_FRESH | (large ? TOMO_BY_LARGE : 0);
	row->proven_us = large ? leg->large.proven_us : leg->fresh.proven_us;
	leg_path(t, leg, large ? leg->large.colo : leg->fresh.colo, PART_ALL, &row->acquitted);
	o->n++;
}

static void add_working_resolver(struct observations *o, struct leg *leg, struct topology *t)
{
	struct observation *row = row_new(o);

	row->leg = leg;
	row->resolver = true;
	row->proven_us = leg->looked_up_us;
	topology_leg_path(t, leg->def, leg->user, PART_RESOLVER, &row->acquitted);
	o->n++;
}

/* A page that still beats when its patience would be over got an answer since; one that is new there has not waited
 * for so long. */
static uint64_t answered_us(const struct live_tunnel *w, uint64_t beat_us)
{
	return beat_us > w->opened_us + ANSWERED_US ? beat_us - ANSWERED_US : 0;
}

/* Whether it was heard all the time since before anything failed. */
static bool is_steady(const struct live_tunnel *w, uint64_t since_us)
{
	return w->steady_since_us > 0 && w->steady_since_us <= since_us && w->steady_until_us > since_us;
}

static void add_live_tunnel(struct observations *o, const struct live_tunnel *w, enum user_part part,
                            uint64_t since_us, struct topology *t)
{
	struct observation *row = row_new(o);
	uint64_t proven_us = part == USER_SERVE ? w->serve_us : w->client_us;

	row->live_tunnel = w;
	row->proof = TOMO_BY_USER | (is_steady(w, since_us) ? TOMO_BY_STEADY : 0);
	row->proven_us = proven_us;
	row->answered_us = part == USER_SHARED ? answered_us(w, proven_us) : 0;
	topology_user_path(t, w->user, part, &row->acquitted);
	o->n += row->acquitted.n > 0;
}

/* Its location by itself: for users it counts only if it was heard all the time since before anything failed.  Who
 * came back, or was silent and is heard again, may show no more than that the fault is over. */
static void add_live_location(struct observations *o, const struct live_tunnel *w, uint64_t since_us,
                              struct topology *t)
{
	bool steady = is_steady(w, since_us);
	struct observation *row = row_new(o);
	struct tomo_path shared;

	topology_user_path(t, w->user, USER_SHARED, &shared);
	row->acquitted = shared;
	topology_locate(t, w->colo, &row->acquitted);
	tomo_path_subtract(&row->acquitted, &shared);
	row->live_tunnel = w;
	row->proof = steady ? TOMO_BY_USER | TOMO_BY_STEADY | TOMO_BY_BACK : TOMO_BY_BACK;
	row->answer = steady ? TOMO_BY_ANSWERED | TOMO_BY_BACK_ANSWERED : TOMO_BY_BACK_ANSWERED;
	row->proven_us = steady ? w->steady_until_us : w->client_us;
	row->answered_us = answered_us(w, row->proven_us);
	o->n += row->acquitted.n > 0;
}

/* ---- all of it ---------------------------------------------------------------------------------------------- */

static uint64_t first_began(const struct observations *o)
{
	uint64_t first = UINT64_MAX;

	for (size_t i = 0; i < o->n_failing; i++)
		if (o->rows[i].began_us < first)
			first = o->rows[i].began_us;
	return first;
}

/* Whether the name that a leg found says anything of a fault that the leg has, too.  After a cut it does not: that is
 * over.  Of silence, what was found between two of them shows that neither is the uplink's: before them the uplink
 * may have lived until then, and while the leg waits for an answer since before it, it may be what heals the fault.
 */
static bool proves_names(const struct leg *leg)
{
	if (!leg_fails(leg))
		return true;
	if (leg->unanswered_us == 0)
		return leg->attempted;
	return leg->looked_up_us > leg->unanswered_us &&
	       (!leg->attempted || leg->looked_up_us <= leg->attempt_began_us);
}

/* When the new connections of a leg failed last; 0: they do no more; UINT64_MAX: they did not. */
static uint64_t new_failed_us(const struct leg *leg)
{
	if (leg_aspect_fails(&leg->fresh))
		return leg->fresh.testimony == LEG_FAILED ? leg->fresh.failed_us : 0;
	if (leg_fails(leg) && evidence_is_of_new_connections(leg))
		return leg->testimony == LEG_FAILED ? leg->attempt_began_us : 0;
	return UINT64_MAX;
}

/* Until when the new connections of all those legs went on failing whose did. */
static uint64_t all_failed_us(const struct probe_table *legs)
{
	uint64_t until = UINT64_MAX;

	for (size_t i = 0; i < legs->n; i++) {
		uint64_t failed = new_failed_us(legs->rows[i]);

		until = failed < until ? failed : until;
	}
	return until;
}

/* A tunnel that a user opened is a new connection that worked.  It may as well be what shows that the fault is over:
 * it counts when all that failed went on failing after it. */
static bool is_new_tunnel(const struct live_tunnel *w, uint64_t failed_us, uint64_t since_us)
{
	return failed_us > w->opened_us && w->opened_us > since_us;
}

static void add_new_tunnel(struct observations *o, const struct live_tunnel *w, struct topology *t)
{
	struct observation *row = row_new(o);

	row->live_tunnel = w;
	row->proof = TOMO_BY_OPENED;
	row->proven_us = w->opened_us;
	user_path(t, w->user, w->colo, USER_SHARED, &row->acquitted);
	o->n += row->acquitted.n > 0;
}

/* When something was last seen to fail: noticed, or tried again by a leg that fails still. */
static uint64_t last_failed(const struct incident *in, const struct probe_table *legs)
{
	uint64_t last = in->first_us;

	for (size_t i = 0; i < legs->n; i++)
		if ((leg_fails(legs->rows[i]) || leg_is_failing(legs->rows[i])) && legs->rows[i]->attempted)
			last = later(last, legs->rows[i]->attempt_us);
	return last;
}

/* A leg that was not up when something began to fail, as after its prober was replaced, nor for a while before that
 * was last seen: that it works now may show no more than that the fault is over. */
static bool came_up_late(const struct leg *leg, uint64_t since_us, uint64_t failed_us)
{
	return leg->testimony == LEG_SILENT && leg->came_up_us > since_us && leg->came_up_us + CAME_UP_US > failed_us;
}

/* What is older than every failure says nothing. */
static void add_working(struct observations *o, const struct incident *in, const struct probe_table *legs,
                        struct topology *t)
{
	uint64_t since = first_began(o), failed = last_failed(in, legs), new_failed = all_failed_us(legs);

	for (size_t i = 0; i < legs->n; i++) {
		struct leg *leg = legs->rows[i];
		bool late = came_up_late(leg, since, failed);

		if (leg->alive_us > since && !late)
			add_working_leg(o, leg, t);
		if (leg->fresh.proven_us > since && !late)
			add_working_aspect(o, leg, false, t);
		if (leg->large.proven_us > since && !late)
			add_working_aspect(o, leg, true, t);
		if (leg->def->looks_up && leg->looked_up_us > since && proves_names(leg) &&
		    !(late && leg->looked_up_us >= leg->came_up_us))
			add_working_resolver(o, leg, t);
	}
	for (size_t i = 0; i < in->n_live_tunnels; i++) {
		const struct live_tunnel *w = &in->live_tunnels[i];

		if (w->client_us > since)
			add_live_tunnel(o, w, USER_SHARED, since, t);
		if (w->client_us > since)
			add_live_location(o, w, since, t);
		if (w->serve_us > since)
			add_live_tunnel(o, w, USER_SERVE, since, t);
		if (is_new_tunnel(w, new_failed, since))
			add_new_tunnel(o, w, t);
	}
}

/* An attempt that ended without a name accuses the resolver by itself, until the next one ends in another way. */
static bool resolver_fails(const struct leg *leg)
{
	if (leg->resolver_testimony == LEG_SUSPECTED)
		return !leg->attempted || leg->latest.reason != T3OPS_R_DNS;
	return leg->resolver_testimony == LEG_FAILED || leg->resolver_testimony == LEG_RECOVERED;
}

int observations_init(struct observations *o, struct incident *in, const struct probe_table *legs,
                      const struct host_events *host, struct topology *t)
{
	struct legs_seen seen = legs_look(legs);

	*o = (struct observations){.n = 0};
	o->rows = calloc(8 * legs->n + in->n_drops + 4 * in->n_live_tunnels + 1, sizeof *o->rows);
	if (o->rows == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < legs->n; i++) {
		struct leg *leg = legs->rows[i];

		/* late is what is usual of a slow one */
		if (leg_fails(leg) && !(leg->testimony == LEG_SUSPECTED && leg->slow.is))
			add_failing_leg(o, leg, &seen, host, t);
		if (resolver_fails(leg))
			add_failing_resolver(o, leg, &seen, host, t);
		if (leg_aspect_fails(&leg->fresh))
			add_failing_fresh(o, leg, &seen, host, t);
		if (leg_aspect_fails(&leg->large))
			add_failing_large(o, leg, &seen, host, t);
	}
	for (size_t i = 0; i < in->n_drops; i++)
		add_drop(o, &in->drops[i], in, &seen, host, t);
	o->n_failing = o->n;
	add_working(o, in, legs, t);
	return 0;
}

void observations_fini(struct observations *o)
{
	free(o->rows);
	o->rows = NULL;
}

uint64_t observation_tried_us(const struct observation *f)
{
	const struct leg *leg = f->leg;

	if (f->resolver)
		return leg->resolver_asked_us;
	if (f->fresh || f->large)
		return f->fresh ? leg->fresh.failed_us : leg->large.failed_us;
	return leg->attempted ? leg->attempt_began_us : leg->began_us;
}

const struct leg_end *observation_end(const struct observation *f)
{
	if (f->fresh || f->large)
		return f->fresh ? &f->leg->fresh.end : &f->leg->large.end;
	return f->leg->attempted ? &f->leg->latest : &f->leg->first;
}

bool observation_is_of_new_connections(const struct observation *f)
{
	return f->fresh || (f->leg != NULL && !f->resolver && evidence_is_of_new_connections(f->leg));
}
