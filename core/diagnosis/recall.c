/* SPDX-License-Identifier: MIT */
/* What is kept of a verdict; see recall.h. */
#include "diagnosis/recall.h"

#include <errno.h>
#include <stdlib.h>

static bool is_evidence(const struct leg *leg, enum recall_part part, uint64_t verdict)
{
	switch (part) {
	case RECALL_OWN:
		return leg->verdict == verdict && leg_is_failing(leg);
	case RECALL_RESOLVER:
		return leg->resolver_verdict == verdict && leg_resolver_is_failing(leg);
	case RECALL_FRESH:
		return leg->fresh.verdict == verdict && leg_aspect_is_failing(&leg->fresh);
	case RECALL_LARGE:
		return leg->large.verdict == verdict && leg_aspect_is_failing(&leg->large);
	case RECALL_PARTS:
		break;
	}
	return false;
}

int recall_init(struct recall *r, const struct verdict *v, const struct probe_table *legs)
{
	*r = (struct recall){.verdict = *v, .legs = calloc(RECALL_PARTS * legs->n + 1, sizeof *r->legs)};
	if (r->legs == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < legs->n; i++) {
		const struct leg *leg = legs->rows[i];

		for (enum recall_part part = 0; part < RECALL_PARTS; part++)
			if (is_evidence(leg, part, v->id))
				r->legs[r->n_legs++] = (struct recall_leg){leg->def->name, leg->user, part};
	}
	return 0;
}

void recall_fini(struct recall *r)
{
	free(r->legs);
}

/* ---- back again ------------------------------------------------------------------------------------------- */

/* Segments as this topology knows them; one that it cannot keep is left out. */
static void path_restore(struct tomo_path *p, struct topology *t)
{
	struct tomo_path all = *p;

	p->n = 0;
	for (size_t i = 0; i < all.n; i++) {
		const char *name = topology_name(t, all.segments[i]);

		if (name == NULL)
			continue;
		tomo_path_add(p, name);
		topology_recall_located(t, name);
	}
}

static int users_restore(struct user_set *s, const struct user_set *from, struct topology *t)
{
	*s = (struct user_set){.n = 0};
	for (size_t i = 0; i < from->n; i++) {
		const char *name = topology_name(t, from->names[i]);

		if (name == NULL || user_set_add(s, name) < 0)
			return -ENOMEM;
	}
	return 0;
}

/* Whether it is configured still. */
static int leg_restore(const struct recall_leg *from, uint64_t verdict, struct probe_table *legs, struct topology *t)
{
	static const enum leg_input_kind kinds[] = {[RECALL_OWN] = LEG_RECALLED,
	                                            [RECALL_RESOLVER] = LEG_RESOLVER_RECALLED,
	                                            [RECALL_FRESH] = LEG_FRESH_RECALLED,
	                                            [RECALL_LARGE] = LEG_LARGE_RECALLED};
	const struct leg_input failing = {.kind = kinds[from->part], .verdict = verdict};
	struct leg *leg;
	int r = probe_table_get(legs, t, from->name, from->user, &leg);

	if (r < 0)
		return r == -ENOENT ? 0 : r;
	leg_transition(leg, &failing);
	return 1;
}

/* Legs that fail decide when it is over, and it has expired if none of those is configured any more.  If none failed
 * when it was kept, and it does not work yet, it came back without them: users decide, as it was they who noticed. */
static void decider_restore(const struct recall *r, size_t found, struct verdict *v, uint64_t now_us)
{
	if (v->state != VERDICT_STANDING || !v->by_legs || found > 0 || v->works_us > 0)
		return;
	if (r->n_legs == 0) {
		v->by_legs = false;
		return;
	}
	v->state = VERDICT_EXPIRED;
	v->ended_us = now_us;
}

static int legs_restore(const struct recall *r, struct verdict *v, struct probe_table *legs, struct topology *t,
                        uint64_t now_us)
{
	size_t found = 0;

	for (size_t i = 0; i < r->n_legs; i++) {
		int one = leg_restore(&r->legs[i], v->id, legs, t);

		if (one < 0)
			return one;
		found += (size_t)one;
	}
	decider_restore(r, found, v, now_us);
	return 0;
}

int recall_restore(const struct recall *r, struct verdict_table *verdicts, struct probe_table *legs,
                   struct topology *t, uint64_t now_us)
{
	struct verdict *v;
	int error;

	if (verdict_table_get(verdicts, r->verdict.id) != NULL)
		return -EEXIST;
	v = verdict_table_add(verdicts);
	if (v == NULL)
		return -ENOMEM;
	verdicts->given--; /* it has its id already */
	*v = r->verdict;
	v->classified_us = v->open_in = 0;
	v->named_users = r->verdict.users.n > 0;
	path_restore(&v->conclusion.suspects, t);
	path_restore(&v->was.suspects, t);
	error = users_restore(&v->users, &r->verdict.users, t);
	if (users_restore(&v->absent, &r->verdict.absent, t) < 0 || error < 0)
		return -ENOMEM;
	return legs_restore(r, v, legs, t, now_us);
}
