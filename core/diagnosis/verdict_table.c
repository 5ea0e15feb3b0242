/* SPDX-License-Identifier: MIT */
/* How verdicts end, and what belongs to them afterwards; see verdict_table.h. */
#include "diagnosis/verdict_table.h"

#include <stdlib.h>
#include <string.h>

#include "diagnosis/incident_timing.h"
#include "tbl/room.h"

static void row_free(struct verdict *v)
{
	user_set_fini(&v->users);
	user_set_fini(&v->absent);
	free(v);
}

void verdict_table_fini(struct verdict_table *t)
{
	for (size_t i = 0; i < t->n; i++)
		row_free(t->rows[i]);
	free(t->rows);
	*t = (struct verdict_table){.n = 0};
}

struct verdict *verdict_table_add(struct verdict_table *t)
{
	struct verdict **rows = room_for_one(t->rows, t->n, &t->room, sizeof(struct verdict *)), *row;

	if (rows == NULL)
		return NULL;
	t->rows = rows;
	row = calloc(1, sizeof *row);
	if (row == NULL)
		return NULL;
	row->id = ++t->given;
	t->rows[t->n++] = row;
	return row;
}

struct verdict *verdict_table_get(const struct verdict_table *t, uint64_t id)
{
	for (size_t i = 0; id != 0 && i < t->n; i++)
		if (t->rows[i]->id == id)
			return t->rows[i];
	return NULL;
}

static bool is_current(const struct verdict *v, uint64_t now_us)
{
	return v->classified_us != now_us && (v->state == VERDICT_STANDING || now_us < v->ended_us + AGAIN_US);
}

/* Whether a conclusion of another kind may turn this one around: not if it speaks of others, too. */
static bool may_turn(const struct verdict *v, const struct verdict_conclusion *f)
{
	return v->conclusion.kind == f->kind || v->conclusion.kind != VERDICT_EXONERATED || v->users.n <= 1;
}

/* What stands goes on if a suspect is shared; what had ended is there again only if all are.  So is what a user's own
 * network may be the reason of, and nobody else's. */
static bool is_same(const struct verdict *v, const struct topology *t, const struct verdict_conclusion *f)
{
	if (topology_is_personal(t, &v->conclusion.suspects) || topology_is_personal(t, &f->suspects) ||
	    v->conclusion.suspects.n == 0 || f->suspects.n == 0 || v->state != VERDICT_STANDING)
		return verdict_conclusion_equal(&v->conclusion, f);
	return tomo_paths_meet(&v->conclusion.suspects, &f->suspects, NULL) && may_turn(v, f);
}

struct verdict *verdict_table_match(const struct verdict_table *t, const struct topology *topology,
                                    const struct verdict_conclusion *f, uint64_t now_us)
{
	for (size_t i = t->n; i-- > 0;)
		if (is_current(t->rows[i], now_us) && is_same(t->rows[i], topology, f))
			return t->rows[i];
	return NULL;
}

/* Whether it healed, or stands and may have: nothing of it fails.  *since_us: since when. */
static bool seems_over(const struct verdict *v, uint64_t *since_us)
{
	*since_us = v->state == VERDICT_HEALED ? v->ended_us : v->state == VERDICT_STANDING ? v->works_us : 0;
	return *since_us > 0;
}

/* Broken before the end of what ended a moment ago, or seems to have: its client sent nothing since. */
static bool is_echo(const struct verdict *v, const struct drop *d, uint64_t now_us)
{
	uint64_t over_us;

	return seems_over(v, &over_us) && now_us < over_us + ECHO_US && d->opened_us <= over_us &&
	       (d->earliest_us <= over_us || d->received_us <= over_us);
}

/* A page that has evidence of its own against somebody else is not counted in this one.  Answers that it missed while
 * the fault was there are none: nobody may have sent them. */
static bool may_explain(const struct verdict *v, const struct observation *f)
{
	return f->drop->evidence == PAGE_ANSWERS_LOST ||
	       tomo_paths_meet(&v->conclusion.suspects, &f->accused, NULL) ||
	       page_evidence_side(f->drop->evidence) != PAGE_SIDE_BEFORE_US;
}

struct verdict *verdict_table_explain(const struct verdict_table *t, const struct topology *topology,
                                      const struct observation *f, const struct tomo_path *user_path, uint64_t now_us)
{
	for (size_t i = t->n; i-- > 0;) {
		struct verdict *v = t->rows[i];
		bool stands = v->state == VERDICT_STANDING && v->by_legs &&
		              !tomo_paths_meet(&v->conclusion.suspects, &f->accused, NULL);

		if (topology_is_personal(topology, &v->conclusion.suspects))
			continue;
		if ((stands || is_echo(v, f->drop, now_us)) && may_explain(v, f) &&
		    tomo_paths_meet(&v->conclusion.suspects, user_path, NULL))
			return v;
	}
	return NULL;
}

bool verdict_table_stands_in(const struct verdict_table *t, uint64_t incident)
{
	for (size_t i = 0; i < t->n; i++)
		if (t->rows[i]->state == VERDICT_STANDING && t->rows[i]->open_in == incident)
			return true;
	return false;
}

bool verdict_table_is_recent(const struct verdict_table *t, const struct tomo_path *path, uint64_t now_us)
{
	for (size_t i = 0; i < t->n; i++) {
		const struct verdict *v = t->rows[i];

		if (v->by_legs && v->conclusion.kind == VERDICT_FAULT &&
		    (v->state == VERDICT_STANDING || now_us < v->ended_us + ECHO_US) &&
		    tomo_paths_meet(&v->conclusion.suspects, path, NULL))
			return true;
	}
	return false;
}

bool verdict_table_echoes(const struct verdict_table *t, const struct tomo_path *path, uint64_t tried_us,
                          uint64_t now_us)
{
	for (size_t i = 0; i < t->n; i++) {
		const struct verdict *v = t->rows[i];
		uint64_t over_us;

		if (v->conclusion.kind == VERDICT_FAULT && v->by_legs && seems_over(v, &over_us) &&
		    tried_us <= over_us && now_us < over_us + ECHO_US &&
		    tomo_paths_meet(&v->conclusion.suspects, path, NULL))
			return true;
	}
	return false;
}

void verdict_table_user_back(struct verdict_table *t, const char *user)
{
	for (size_t i = 0; i < t->n; i++)
		user_set_remove(&t->rows[i]->absent, user);
}

/* ---- how they end -------------------------------------------------------------------------------------- */

static bool evidence_is_left(const struct verdict *v, const struct probe_table *legs)
{
	if (!v->by_legs)
		return v->absent.n > 0;
	for (size_t i = 0; i < legs->n; i++) {
		const struct leg *leg = legs->rows[i];

		if ((leg->verdict == v->id && leg_is_failing(leg)) ||
		    (leg->resolver_verdict == v->id && leg_resolver_is_failing(leg)) ||
		    (leg->fresh.verdict == v->id && leg_aspect_is_failing(&leg->fresh)) ||
		    (leg->large.verdict == v->id && leg_aspect_is_failing(&leg->large)))
			return true;
	}
	return false;
}

/* Since when a verdict works before it counts as healed. */
static uint64_t hold_us(const struct verdict *v)
{
	return v->times > 1 ? HOLD_US : 0;
}

static bool row_ends(struct verdict *v, const struct probe_table *legs, uint64_t now_us)
{
	if (v->state != VERDICT_STANDING)
		return false;
	if (evidence_is_left(v, legs)) {
		v->works_us = 0;
		if (v->by_legs || now_us < v->given_us + FORGET_US)
			return false;
		v->state = VERDICT_EXPIRED;
	} else {
		if (v->works_us == 0)
			v->works_us = now_us;
		if (now_us < v->works_us + hold_us(v))
			return false;
		v->state = VERDICT_HEALED;
	}
	v->ended_us = v->state == VERDICT_HEALED ? v->works_us : now_us;
	return true;
}

struct verdict *verdict_table_end_next(struct verdict_table *t, const struct probe_table *legs, uint64_t now_us)
{
	for (size_t i = 0; i < t->n; i++)
		if (row_ends(t->rows[i], legs, now_us))
			return t->rows[i];
	return NULL;
}

uint64_t verdict_table_due_us(const struct verdict_table *t)
{
	uint64_t due = UINT64_MAX;

	for (size_t i = 0; i < t->n; i++) {
		const struct verdict *v = t->rows[i];
		uint64_t at = UINT64_MAX;

		if (v->state != VERDICT_STANDING)
			continue;
		if (v->works_us > 0)
			at = v->works_us + hold_us(v);
		else if (!v->by_legs)
			at = v->given_us + FORGET_US;
		due = at < due ? at : due;
	}
	return due;
}

void verdict_table_expire(struct verdict_table *t, uint64_t now_us)
{
	size_t kept = 0;

	for (size_t i = 0; i < t->n; i++) {
		struct verdict *v = t->rows[i];

		if (v->state != VERDICT_STANDING && now_us >= v->ended_us + FORGET_US)
			row_free(v);
		else
			t->rows[kept++] = v;
	}
	t->n = kept;
}
