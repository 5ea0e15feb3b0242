/* SPDX-License-Identifier: MIT */
/* The record of every leg and how it changes; see probe_table.h. */
#include "diagnosis/probe_table.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "diagnosis/incident_timing.h"
#include "plugin.h"
#include "tbl/hash.h"
#include "tbl/reason.h"

static void state_set(struct leg *leg, enum leg_state state, uint64_t wall_us)
{
	if (leg->state != state)
		leg->since_us = wall_us;
	leg->state = state;
}

/* What is found out about one of which nothing was known may have been so for long. */
static void state_learn(struct leg *leg, enum leg_state state, const struct leg_input *in)
{
	bool unknown = leg->state == LEG_IS_UNKNOWN && in->age_us > 0 && in->age_us < in->wall_us;

	state_set(leg, state, unknown ? in->wall_us - in->age_us : in->wall_us);
}

bool leg_end_is_unanswered(unsigned reason)
{
	return reason == T3OPS_R_NONE || reason == T3OPS_R_HEARTBEAT_TIMEOUT || reason == T3OPS_R_CONNECT_TIMEOUT ||
	       reason == T3OPS_R_HTTP_TIMEOUT || reason == T3OPS_R_DNS;
}

/* How an attempt ended, of which nobody says that it was answered: silence, no route, or a cut, which may be what is
 * left of a silence. */
static bool is_lost(unsigned reason)
{
	return leg_end_is_unanswered(reason) || reason == T3OPS_R_UNREACHABLE || reason == T3OPS_R_RESET ||
	       reason == T3OPS_R_EOF;
}

/* Silence goes on, begins now, or is over. */
static void silence_count(struct leg *leg, bool lost, uint64_t began_us)
{
	if (!lost)
		leg->unanswered_us = 0;
	else if (leg->unanswered_us == 0)
		leg->unanswered_us = began_us;
}

/* An attempt that ended without a name, which nobody has reported of the resolver yet: what comes after it does not
 * make that undone. */
static void names_suspect(struct leg *leg)
{
	if (leg->latest.reason != T3OPS_R_DNS || leg->resolver_testimony != LEG_SILENT)
		return;
	leg->resolver_testimony = LEG_SUSPECTED;
	leg->resolver_began_us = leg->resolver_asked_us = leg->attempt_began_us;
}

/* A name was found. */
static void names_clear(struct leg *leg)
{
	if (leg->resolver_testimony == LEG_STALE ||
	    (leg->resolver_testimony == LEG_SUSPECTED && leg->resolver_verdict == 0))
		leg->resolver_testimony = LEG_SILENT;
	else if (leg->resolver_testimony == LEG_FAILED || leg->resolver_testimony == LEG_SUSPECTED)
		leg->resolver_testimony = LEG_RECOVERED;
	if (leg->attempted && leg->latest.reason == T3OPS_R_DNS)
		leg->unanswered_us = 0; /* the silence was the resolver's, and is over */
}

static void colo_copy(char out[8], const char *colo)
{
	snprintf(out, 8, "%s", colo != NULL ? colo : "");
}

static bool is_testifying(const struct leg *leg)
{
	return leg->testimony != LEG_SILENT && leg->testimony != LEG_STALE;
}

static uint64_t before(uint64_t at_us, uint64_t waited_us)
{
	return at_us > waited_us ? at_us - waited_us : 0;
}

/* It failed, now: forgets what it said of an earlier failure. */
static void testify(struct leg *leg, enum leg_testimony testimony, const struct leg_input *in)
{
	if (leg->testimony != LEG_SUSPECTED) {
		leg->first = leg->latest = (struct leg_end){0};
		leg->attempted = false;
		leg->began_us = before(in->mono_us, in->waited_us);
		leg->broke_us = in->mono_us;
		leg->unanswered_us = 0;
		leg->never_up = false;
		leg->next_hop = leg->echo = BEAT_UNTRACED;
		colo_copy(leg->broke_colo, leg->colo);
	}
	silence_count(leg, leg_end_is_unanswered(in->reason), leg->began_us);
	leg->testimony = testimony;
}

static unsigned beat_count(struct leg *leg, const struct leg_input *in)
{
	leg->rtt_us = in->kind == LEG_ALIVE ? in->waited_us : 0;
	if (leg->rtt_us == 0 || in->host)
		return 0;
	return slow_beat(&leg->slow, in->waited_us) ? LEG_NEWS_SLOW : 0;
}

/* It worked, begun then: what failed of it is over. */
static unsigned aspect_works(struct leg *leg, struct leg_aspect *a, uint64_t begun_us, const struct leg_input *in)
{
	enum leg_testimony was = a->testimony;

	a->reported_us = in->mono_us;
	a->tried_us = begun_us;
	if (was == LEG_FAILED)
		a->testimony = LEG_RECOVERED;
	else if (was == LEG_STALE)
		a->testimony = LEG_SILENT;
	if (a->testimony == LEG_SILENT && !leg_fails(leg) && !leg_is_failing(leg)) {
		a->proven_us = begun_us;
		colo_copy(a->colo, in->colo);
	}
	return a->testimony == was ? 0 : LEG_NEWS_EVIDENCE;
}

/* Which was a fresh connection: of a leg that makes them none is unknown from then on. */
static void established(struct leg *leg, const struct leg_input *in)
{
	if (in->makes_fresh && leg->fresh.state == ASPECT_UNKNOWN)
		leg->fresh.state = ASPECT_WORKS;
	aspect_works(leg, &leg->fresh, in->mono_us, in);
}

/* Said beside its evidence: nothing follows from it. */
static unsigned on_traced(struct leg *leg, const struct leg_input *in)
{
	enum beat_trace trace = (enum beat_trace)in->code;
	bool of_echo = trace == BEAT_NOT_ARRIVED || trace == BEAT_ANSWER_LOST;

	if (is_testifying(leg) && trace < BEAT_TRACES)
		*(of_echo ? &leg->echo : &leg->next_hop) = trace;
	return 0;
}

static unsigned on_works(struct leg *leg, const struct leg_input *in)
{
	static const enum leg_testimony next[] = {
	    [LEG_SILENT] = LEG_SILENT,    [LEG_SUSPECTED] = LEG_CLEARED,   [LEG_CLEARED] = LEG_CLEARED,
	    [LEG_FAILED] = LEG_RECOVERED, [LEG_RECOVERED] = LEG_RECOVERED, [LEG_STALE] = LEG_SILENT,
	};
	bool suspected = leg->testimony == LEG_SUSPECTED && leg->verdict != 0; /* and taken for a fault */
	bool failed = suspected || leg->testimony == LEG_FAILED || leg->testimony == LEG_RECOVERED ||
	              leg->testimony == LEG_STALE;
	enum leg_testimony was = leg->testimony;

	if ((was == LEG_SILENT || was == LEG_STALE) && leg->state != LEG_IS_UP && leg->state != LEG_IS_LATE)
		leg->came_up_us = before(in->mono_us, in->age_us);
	state_learn(leg, LEG_IS_UP, in);
	colo_copy(leg->colo, in->colo);
	leg->target = in->target != 0 ? in->target : leg->target;
	leg->mute_us = leg->heir_us = 0;
	if (leg->resolver == RESOLVER_UNKNOWN)
		names_clear(leg); /* its plugin does not say */
	if (!failed) {            /* a proof after its own failure shows only that it is over */
		leg->alive_us = before(in->mono_us, in->kind == LEG_ALIVE ? in->waited_us : 0);
		colo_copy(leg->alive_colo, in->colo);
	}
	/* late once is no fault, unless it was taken for one */
	leg->testimony = suspected ? LEG_RECOVERED : next[leg->testimony];
	if (in->kind == LEG_UP)
		established(leg, in);
	return (leg->testimony == was ? 0 : LEG_NEWS_EVIDENCE) | beat_count(leg, in);
}

static unsigned on_late(struct leg *leg, const struct leg_input *in)
{
	bool failed_before = leg->testimony == LEG_FAILED || leg->testimony == LEG_RECOVERED;

	if (leg->state != LEG_IS_UP && leg->state != LEG_IS_UNKNOWN)
		return 0;
	state_set(leg, LEG_IS_LATE, in->wall_us);
	testify(leg, failed_before ? LEG_FAILED : LEG_SUSPECTED, in);
	return LEG_NEWS_BROKE;
}

/* Reason and state of a leg that is not connected. */
static unsigned end_set(struct leg *leg, const struct leg_input *in)
{
	bool walled = reason_side(in->reason) == SIDE_CONFIG, news = walled && leg->state != LEG_IS_WALLED_OFF;

	leg->last = (struct leg_end){in->step != 0 ? in->step : T3OPS_STEP_OPEN, in->reason, in->code};
	state_learn(leg, walled ? LEG_IS_WALLED_OFF : LEG_IS_DOWN, in);
	return news ? LEG_NEWS_WALLED_OFF : 0;
}

static unsigned on_down(struct leg *leg, const struct leg_input *in)
{
	bool worked = leg->state == LEG_IS_UP || leg->state == LEG_IS_LATE;
	enum end_side side = reason_side(in->reason);
	unsigned news = end_set(leg, in) | (slow_stop(&leg->slow) ? LEG_NEWS_SLOW : 0);

	if (side == SIDE_NOBODY) {
		state_set(leg, LEG_IS_UNKNOWN, in->wall_us);
		leg->testimony = LEG_SILENT;
		leg->verdict = 0;
		leg->fresh = leg->large = (struct leg_aspect){.state = ASPECT_UNKNOWN};
		return news & LEG_NEWS_SLOW;
	}
	if (side == SIDE_CONFIG || !worked)
		return news;
	testify(leg, LEG_FAILED, in);
	leg->first = leg->last;
	return news | LEG_NEWS_BROKE;
}

static bool ends_equal(const struct leg_end *a, const struct leg_end *b)
{
	return a->step == b->step && a->reason == b->reason && a->code == b->code;
}

/* Somebody accepts, so it is neither missing nor elsewhere, and says nothing. */
static void mute_count(struct leg *leg)
{
	bool mute = (leg->last.step == T3OPS_STEP_HTTP && leg->last.reason == T3OPS_R_HTTP_TIMEOUT) ||
	            (leg->last.step == T3OPS_STEP_OPEN && leg->last.reason == T3OPS_R_HEARTBEAT_TIMEOUT);

	if (!mute)
		leg->mute_us = 0;
	else if (leg->mute_us == 0)
		leg->mute_us = leg->attempt_began_us;
}

/* Of a leg of which nothing is known: what fails in another way may be a mistake in the config, or nobody's t3.  A
 * shared leg may be that all the same: it needs users who are hurt, and were not heard of since. */
static bool is_proven_mute(const struct leg *leg, const struct leg_input *in)
{
	return leg->testimony == LEG_SILENT && leg->mute_us > 0 && in->mono_us >= leg->mute_us + MUTE_US &&
	       (leg->def->per_user || in->hurts);
}

/* Whether it was connected under the prober before, and cannot be under this one: it broke while nobody held it.  How
 * long ago is not known; what is only being started, or was away for long, is no fault. */
static bool is_broken_heir(struct leg *leg, const struct leg_input *in)
{
	if (leg->heir_us == 0)
		return false;
	if (in->was_up || in->target == 0 || in->target != leg->target || in->mono_us > leg->heir_us + HEIR_MAX_US)
		leg->heir_us = 0;
	return leg->heir_us > 0 && leg->testimony == LEG_SILENT && reason_side(in->reason) != SIDE_CONFIG &&
	       in->mono_us >= leg->heir_us + HEIR_US;
}

static unsigned heir_testify(struct leg *leg, const struct leg_input *in)
{
	leg->heir_us = 0;
	testify(leg, LEG_FAILED, in);
	leg->first = leg->latest = leg->last;
	leg->attempted = true;
	names_suspect(leg);
	return LEG_NEWS_BROKE;
}

static unsigned mute_testify(struct leg *leg, const struct leg_input *in)
{
	testify(leg, LEG_FAILED, in);
	leg->began_us = leg->unanswered_us = leg->mute_us;
	leg->first = leg->latest = leg->last;
	leg->attempted = true;
	leg->never_up = leg->alive_us == 0 && !in->was_up;
	return LEG_NEWS_BROKE;
}

static unsigned on_attempt(struct leg *leg, const struct leg_input *in)
{
	struct leg_end was = leg->latest;
	uint64_t tried_us = leg->attempt_began_us;
	unsigned news = end_set(leg, in);
	bool same;

	if (in->reason == T3OPS_R_CLOCK)
		return news; /* it says nothing of its path */

	leg->attempt_us = in->mono_us;
	leg->attempt_began_us = before(in->mono_us, in->waited_us);
	mute_count(leg);
	if (is_broken_heir(leg, in))
		return news | heir_testify(leg, in);
	if (!is_testifying(leg))
		return news | (is_proven_mute(leg, in) ? mute_testify(leg, in) : 0);
	/* the same again, unless a name was found between them, which proves something now */
	same = leg->attempted && ends_equal(&was, &leg->last) &&
	       (leg->unanswered_us == 0 || leg->looked_up_us <= tried_us ||
	        leg->looked_up_us > leg->attempt_began_us);
	leg->latest = leg->last;
	leg->attempted = true;
	silence_count(leg, is_lost(in->reason), leg->attempt_began_us);
	names_suspect(leg);
	/* which is news where nothing has been made of it yet */
	return same && leg->verdict != 0 ? news : news | LEG_NEWS_EVIDENCE;
}

/* How far an attempt of this leg would get, which fails by itself already. */
static unsigned fresh_is_attempt(struct leg *leg, const struct leg_end *end, const struct leg_input *in)
{
	bool same = leg->attempted && ends_equal(&leg->latest, end);

	leg->latest = *end;
	leg->attempted = true;
	leg->attempt_us = in->mono_us;
	leg->attempt_began_us = before(in->mono_us, in->waited_us);
	silence_count(leg, is_lost(end->reason), leg->attempt_began_us);
	names_suspect(leg);
	return same && leg->verdict != 0 ? 0 : LEG_NEWS_EVIDENCE;
}

static unsigned aspect_breaks(struct leg *leg, struct leg_aspect *a, const struct leg_end *end,
                              const struct leg_input *in)
{
	bool same = ends_equal(&a->end, end);

	a->state = ASPECT_FAILS;
	a->reported_us = in->mono_us;
	a->failed_us = a->tried_us = before(in->mono_us, in->waited_us);
	a->end = *end;
	if (a->testimony == LEG_STALE || a->testimony == LEG_FAILED)
		return same || a->testimony == LEG_STALE ? 0 : LEG_NEWS_EVIDENCE;
	a->testimony = LEG_FAILED;
	a->began_us = a->failed_us;
	colo_copy(a->broke_colo, in->colo != NULL && in->colo[0] != '\0' ? in->colo : leg->colo);
	return LEG_NEWS_BROKE;
}

static unsigned fresh_meets_login(struct leg_aspect *a, const struct leg_end *end, uint64_t mono_us)
{
	bool news = a->state != ASPECT_FAILS || reason_side(a->end.reason) != SIDE_CONFIG;

	a->state = ASPECT_FAILS;
	a->reported_us = a->tried_us = mono_us;
	a->end = *end;
	return news ? LEG_NEWS_WALLED_OFF : 0;
}

/* One of both; while its own connection fails it says nothing of its own. */
static unsigned on_aspect(struct leg *leg, struct leg_aspect *a, const struct leg_input *in)
{
	const struct leg_end end = {in->step, in->reason, in->code};
	bool own = leg->testimony == LEG_SUSPECTED || leg->testimony == LEG_FAILED;

	if (in->reason == T3OPS_R_NONE) {
		a->state = ASPECT_WORKS;
		return aspect_works(leg, a, before(in->mono_us, in->waited_us), in);
	}
	switch (reason_side(in->reason)) {
	case SIDE_NOBODY:
		return 0;
	case SIDE_CONFIG:
		return fresh_meets_login(a, &end, in->mono_us);
	default:
		break;
	}
	if (!own)
		return aspect_breaks(leg, a, &end, in);
	a->reported_us = in->mono_us;
	a->tried_us = before(in->mono_us, in->waited_us);
	return in->kind == LEG_FRESH ? fresh_is_attempt(leg, &end, in) : 0;
}

static unsigned lookup_count(struct leg *leg, const struct leg_input *in)
{
	if (reason_side(in->reason) != SIDE_NOBODY)
		return slow_stop(&leg->lookups) ? LEG_NEWS_SLOW : 0;
	return in->waited_us > 0 && !in->host && slow_beat(&leg->lookups, in->waited_us) ? LEG_NEWS_SLOW : 0;
}

static unsigned on_looked_up(struct leg *leg, const struct leg_input *in)
{
	enum resolver_state was = leg->resolver;
	unsigned slow = lookup_count(leg, in);

	if (reason_side(in->reason) == SIDE_NOBODY) {
		leg->resolver = RESOLVER_WORKS;
		names_clear(leg);
		/* a proof after a failure of its own shows only that it is over */
		if (leg->resolver_testimony != LEG_RECOVERED && leg->testimony != LEG_RECOVERED)
			leg->looked_up_us = in->mono_us;
		return slow;
	}
	leg->resolver = RESOLVER_FAILS;
	if (was != RESOLVER_WORKS)
		return slow;
	leg->resolver_testimony = LEG_FAILED;
	leg->resolver_began_us = in->mono_us;
	leg->resolver_asked_us = before(in->mono_us, in->waited_us);
	return slow | LEG_NEWS_BROKE;
}

static void aspect_verdict_over(struct leg_aspect *a, uint64_t verdict)
{
	if (a->verdict != verdict)
		return;
	a->verdict = 0;
	a->testimony = a->testimony == LEG_RECOVERED ? LEG_SILENT : a->testimony;
}

static void on_verdict_over(struct leg *leg, uint64_t verdict)
{
	if (leg->verdict == verdict) {
		leg->verdict = 0;
		leg->testimony = leg->testimony == LEG_RECOVERED ? LEG_SILENT : leg->testimony;
	}
	if (leg->resolver_verdict == verdict) {
		leg->resolver_verdict = 0;
		leg->resolver_testimony = leg->resolver_testimony == LEG_RECOVERED ? LEG_SILENT
		                                                                   : leg->resolver_testimony;
	}
	aspect_verdict_over(&leg->fresh, verdict);
	aspect_verdict_over(&leg->large, verdict);
}

static enum leg_testimony over(enum leg_testimony t)
{
	return t == LEG_SUSPECTED || t == LEG_FAILED || t == LEG_STALE ? LEG_STALE : LEG_SILENT;
}

static void on_incident_over(struct leg *leg)
{
	leg->testimony = over(leg->testimony);
	leg->resolver_testimony = over(leg->resolver_testimony);
	leg->fresh.testimony = over(leg->fresh.testimony);
	leg->large.testimony = over(leg->large.testimony);
}

/* The next one may say of a leg that was connected that it cannot connect it any more. */
static void on_prober_replaced(struct leg *leg, const struct leg_input *in)
{
	if (leg->state == LEG_IS_UP || leg->state == LEG_IS_LATE)
		leg->heir_us = in->mono_us;
	state_set(leg, LEG_IS_UNKNOWN, in->wall_us);
	leg->mute_us = 0;
	leg->resolver = RESOLVER_UNKNOWN;
	leg->fresh.state = leg->large.state = ASPECT_UNKNOWN;
}

unsigned leg_transition(struct leg *leg, const struct leg_input *in)
{
	switch (in->kind) {
	case LEG_UP:
	case LEG_ALIVE:
		return on_works(leg, in);
	case LEG_LATE:
		return on_late(leg, in);
	case LEG_DOWN:
		return on_down(leg, in);
	case LEG_ATTEMPT:
		return on_attempt(leg, in);
	case LEG_ABSENT:
		if (leg->state == LEG_IS_UNKNOWN || leg->state == LEG_IS_DOWN)
			state_set(leg, LEG_IS_ABSENT, in->wall_us);
		break;
	case LEG_LOOKED_UP:
		return on_looked_up(leg, in);
	case LEG_FRESH:
		return on_aspect(leg, &leg->fresh, in);
	case LEG_LARGE:
		return on_aspect(leg, &leg->large, in);
	case LEG_TRACED:
		return on_traced(leg, in);
	case LEG_PROBER_REPLACED:
		on_prober_replaced(leg, in);
		break;
	case LEG_CONVICTED:
		leg->verdict = in->verdict;
		break;
	case LEG_RESOLVER_CONVICTED:
		leg->resolver_verdict = in->verdict;
		break;
	case LEG_FRESH_CONVICTED:
		leg->fresh.verdict = in->verdict;
		break;
	case LEG_LARGE_CONVICTED:
		leg->large.verdict = in->verdict;
		break;
	case LEG_CLASSIFIED:
		leg->testimony = leg->testimony == LEG_CLEARED ? LEG_SILENT : leg->testimony;
		break;
	case LEG_VERDICT_OVER:
		on_verdict_over(leg, in->verdict);
		break;
	case LEG_RECALLED:
		leg->testimony = LEG_STALE;
		leg->verdict = in->verdict;
		break;
	case LEG_RESOLVER_RECALLED:
		leg->resolver_testimony = LEG_STALE;
		leg->resolver_verdict = in->verdict;
		break;
	case LEG_FRESH_RECALLED:
		leg->fresh.testimony = LEG_STALE;
		leg->fresh.verdict = in->verdict;
		break;
	case LEG_LARGE_RECALLED:
		leg->large.testimony = LEG_STALE;
		leg->large.verdict = in->verdict;
		break;
	case LEG_INCIDENT_OVER:
		on_incident_over(leg);
		break;
	}
	return 0;
}

bool leg_fails(const struct leg *leg)
{
	return leg->testimony == LEG_SUSPECTED || leg->testimony == LEG_FAILED || leg->testimony == LEG_RECOVERED;
}

bool leg_is_failing(const struct leg *leg)
{
	return leg->testimony == LEG_SUSPECTED || leg->testimony == LEG_FAILED || leg->testimony == LEG_STALE;
}

bool leg_resolver_is_failing(const struct leg *leg)
{
	return leg->resolver_testimony == LEG_SUSPECTED || leg->resolver_testimony == LEG_FAILED ||
	       leg->resolver_testimony == LEG_STALE;
}

bool leg_aspect_fails(const struct leg_aspect *a)
{
	return a->testimony == LEG_FAILED || a->testimony == LEG_RECOVERED;
}

bool leg_aspect_is_failing(const struct leg_aspect *a)
{
	return a->testimony == LEG_FAILED || a->testimony == LEG_STALE;
}

bool leg_has_reported(const struct leg *leg, uint64_t asked_us)
{
	if (leg->state == LEG_IS_UNKNOWN || leg->state == LEG_IS_WALLED_OFF || leg->state == LEG_IS_ABSENT)
		return true;
	if (is_testifying(leg))
		return leg->attempted || leg->testimony == LEG_CLEARED || leg->testimony == LEG_RECOVERED;
	return leg->alive_us >= asked_us || leg->attempt_us >= asked_us || leg->state == LEG_IS_DOWN;
}

void probe_table_fini(struct probe_table *b)
{
	for (size_t i = 0; i < b->n; i++)
		free(b->rows[i]);
	free(b->rows);
	free(b->index);
	*b = (struct probe_table){.n = 0};
}

/* Both are interned. */
static struct leg **chain_of(struct leg **index, size_t chains, const struct leg_def *def, const char *user)
{
	return &index[hash_text(hash_text(HASH_START, def->name), user) & (chains - 1)];
}

static void chain_put(struct leg **index, size_t chains, struct leg *leg)
{
	struct leg **chain = chain_of(index, chains, leg->def, leg->user);

	leg->chain = *chain;
	*chain = leg;
}

/* As many chains as rows or more. */
static bool index_reserve(struct probe_table *b)
{
	size_t more = b->chains > 0 ? 2 * b->chains : 16;
	struct leg **index;

	if (b->n < b->chains)
		return true;
	index = calloc(more, sizeof(struct leg *));
	if (index == NULL)
		return false;
	for (size_t i = 0; i < b->n; i++)
		chain_put(index, more, b->rows[i]);
	free(b->index);
	b->index = index;
	b->chains = more;
	return true;
}

static struct leg *leg_find(const struct probe_table *b, const struct leg_def *def, const char *user)
{
	struct leg *leg = b->chains > 0 ? *chain_of(b->index, b->chains, def, user) : NULL;

	while (leg != NULL && (leg->def != def || leg->user != user))
		leg = leg->chain;
	return leg;
}

static void chain_remove(struct probe_table *b, const struct leg *leg)
{
	struct leg **at = chain_of(b->index, b->chains, leg->def, leg->user);

	while (*at != leg)
		at = &(*at)->chain;
	*at = leg->chain;
}

/* Room for one more. */
static bool rows_reserve(struct probe_table *b)
{
	size_t more = b->room > 0 ? 2 * b->room : 16;
	struct leg **rows;

	if (b->n < b->room)
		return true;
	rows = realloc(b->rows, more * sizeof(struct leg *));
	if (rows == NULL)
		return false;
	b->rows = rows;
	b->room = more;
	return true;
}

int probe_table_get(struct probe_table *b, struct topology *t, const char *name, const char *user, struct leg **out)
{
	const struct leg_def *def = topology_leg(t, name);
	const char *who = topology_name(t, user);

	if (def == NULL)
		return -ENOENT;
	*out = who != NULL ? leg_find(b, def, who) : NULL;
	if (*out != NULL)
		return 0;
	*out = who != NULL && rows_reserve(b) && index_reserve(b) ? calloc(1, sizeof **out) : NULL;
	if (*out == NULL)
		return -ENOMEM;
	**out = (struct leg){.def = def, .user = who};
	b->rows[b->n++] = *out;
	chain_put(b->index, b->chains, *out);
	return 0;
}

void probe_table_remove(struct probe_table *b, struct leg *leg)
{
	for (size_t i = 0; i < b->n; i++) {
		if (b->rows[i] != leg)
			continue;
		memmove(&b->rows[i], &b->rows[i + 1], (b->n - i - 1) * sizeof(struct leg *));
		b->n--;
		chain_remove(b, leg);
		free(leg);
		return;
	}
}

void probe_table_transition(struct probe_table *b, const struct leg_input *in)
{
	for (size_t i = 0; i < b->n; i++)
		leg_transition(b->rows[i], in);
}

bool probe_table_fails(const struct probe_table *b)
{
	for (size_t i = 0; i < b->n; i++)
		if (leg_fails(b->rows[i]) || b->rows[i]->resolver_testimony == LEG_FAILED ||
		    b->rows[i]->fresh.testimony == LEG_FAILED || b->rows[i]->large.testimony == LEG_FAILED)
			return true;
	return false;
}

const char *leg_state_name(const struct leg *leg)
{
	static const char *const names[] = {"unknown", "up", "late", "down", "walled_off", "absent"};

	return names[leg->state];
}
