/* SPDX-License-Identifier: MIT */
/* From evidence to conclusions; see classify.h. */
#include "diagnosis/classify.h"

#include <errno.h>
#include <stdlib.h>

#include "diagnosis/conclusion.h"
#include "diagnosis/incident_timing.h"
#include "diagnosis/locations.h"
#include "diagnosis/settled.h"
#include "plugin.h"

static void paths_gather(struct classification *j)
{
	for (size_t i = 0; i < j->o.n; i++) {
		const struct observation *f = &j->o.rows[i];

		if (i < j->o.n_failing && !j->settled[i]) {
			j->index[j->n_failures] = i;
			j->failures[j->n_failures++] = (struct tomo_failure){f->accused, f->began_us, f->by};
		}
		if (f->acquitted.n > 0)
			j->proofs[j->n_proofs++] = (struct tomo_proof){&f->acquitted, f->proven_us, f->proof};
		if (f->acquitted.n > 0 && f->answered_us > 0)
			j->proofs[j->n_proofs++] = (struct tomo_proof){&f->acquitted, f->answered_us, f->answer};
	}
}

static bool is_last_mile_alone(const struct classification *j, const struct tomo_path *p)
{
	for (size_t i = 0; i < p->n; i++)
		if (!topology_is_last_mile(j->in->topology, p->segments[i]))
			return false;
	return p->n > 0;
}

/* Whether a page's own evidence accuses what is before us. */
static bool is_proven_by_page(const struct classification *j, size_t group)
{
	for (size_t k = 0; k < j->n_failures; k++) {
		const struct observation *f = &j->o.rows[j->index[k]];

		if (j->member[k] == group && f->drop != NULL &&
		    page_evidence_side(f->drop->evidence) == PAGE_SIDE_BEFORE_US)
			return true;
	}
	return false;
}

static struct members group_members(const struct classification *j, size_t group, bool *has)
{
	struct members m = {.has = has};

	for (size_t i = 0; i < j->o.n_failing; i++)
		has[i] = false;
	for (size_t k = 0; k < j->n_failures; k++)
		if (j->member[k] == group) {
			has[j->index[k]] = true;
			m.n++;
		}
	return m;
}

/* Whether it is part of a fault that stands, and what seems to acquit that one's suspects may be what heals it. */
static bool may_be_healing(struct classification *j, const struct observation *f)
{
	struct verdict *v = verdict_table_get(j->in->verdicts, f->verdict);

	if (v == NULL || v->state != VERDICT_STANDING || v->conclusion.kind != VERDICT_FAULT || !v->by_legs)
		return false;
	if (v->cleared_us == 0)
		v->cleared_us = j->in->now_us;
	return j->in->now_us < v->cleared_us + CLEARED_US;
}

/* Whether something else has shown since it was last tried that the fault's suspects work. */
static bool is_stale(const struct classification *j, const struct observation *f, const struct verdict *v)
{
	uint64_t tried_us = f->leg != NULL ? observation_tried_us(f) : f->drop->seen_us;

	for (size_t i = 0; i < j->o.n; i++) {
		const struct observation *p = &j->o.rows[i];

		if ((f->leg == NULL || p->leg != f->leg) && (p->proof & f->by) && p->proven_us > tried_us &&
		    tomo_paths_meet(&p->acquitted, &v->conclusion.suspects, NULL))
			return true;
	}
	return false;
}

/* Whether nobody answered, or a name was not found, as it would be through what the fault is: what was asked before
 * its end, or through what comes back a moment later, fails so for a while. */
static bool is_unanswered_through(const struct observation *f, const struct verdict *v)
{
	const struct leg_end *end = f->leg != NULL ? observation_end(f) : NULL;

	return end != NULL && (f->resolver || end->step == T3OPS_STEP_DNS || leg_end_is_unanswered(end->reason)) &&
	       tomo_paths_meet(&f->accused, &v->conclusion.suspects, NULL);
}

/* Whether it accuses none of what the fault was that it is part of: what acquitted that may be its end.  What is
 * tried now and then says so itself when it is tried again. */
static bool may_be_echo(struct classification *j, struct observation *f, const struct tomo_path *suspects)
{
	const struct verdict *v = verdict_table_get(j->in->verdicts, f->verdict);

	if (v == NULL || tomo_paths_meet(&v->conclusion.suspects, suspects, NULL))
		return false;
	if (is_unanswered_through(f, v) && may_be_healing(j, f))
		return true;
	return is_stale(j, f, v) && (f->fresh || f->large || may_be_healing(j, f));
}

/* The same of all of a group. */
static bool group_may_be_healing(struct classification *j, size_t group)
{
	bool all = true;

	for (size_t k = 0; k < j->n_failures; k++)
		if (j->member[k] == group)
			all = may_be_healing(j, &j->o.rows[j->index[k]]) && all;
	return all;
}

/* All users of whom nothing but their own last mile is left: infra is ruled out for them together. */
static void exonerated_give(struct classification *j, size_t n_groups, bool *has)
{
	struct verdict_conclusion exonerated = {.kind = VERDICT_EXONERATED};
	struct members m = {.has = has};

	for (size_t i = 0; i < j->o.n_failing; i++)
		has[i] = false;
	for (size_t k = 0; k < j->n_failures; k++) {
		size_t g = j->member[k];

		const struct observation *f = &j->o.rows[j->index[k]];

		if (g >= n_groups || !is_last_mile_alone(j, &j->groups[g].suspects) || is_proven_by_page(j, g) ||
		    (f->drop != NULL && f->drop->supported) || may_be_healing(j, f))
			continue;
		has[j->index[k]] = true;
		m.n++;
		tomo_path_join(&exonerated.suspects, &j->groups[g].suspects);
	}
	if (m.n > 0)
		conclusion_give(j, &exonerated, &m);
}

/* Whether what the leg accuses is acquitted by users' tunnels, and by nothing else. */
static bool is_acquitted_by_users_alone(const struct classification *j, const struct observation *f)
{
	struct tomo_failure alone = {f->accused, f->began_us, TOMO_BY_LEG | TOMO_BY_FRESH};
	struct tomo_group group;
	size_t member, unknown;

	return (f->by & TOMO_BY_ANSWERED) &&
	       tomo_solve(&alone, 1, j->proofs, j->n_proofs, &group, &member, &unknown) == 1 && unknown != 0;
}

/* Whether nothing fails but this leg: its own connection, or what it measures beside that. */
static bool is_alone(const struct classification *j, const struct leg *leg)
{
	for (size_t k = 0; k < j->n_failures; k++) {
		const struct observation *f = &j->o.rows[j->index[k]];

		if (f->leg != leg || f->resolver)
			return false;
	}
	return true;
}

/* Whether a leg without suspects has a way to them of its own that failed: everything is acquitted by users, or
 * nothing fails but this shared leg. */
static bool is_of_the_prober(const struct classification *j, const struct observation *f)
{
	if (f->leg == NULL || f->resolver)
		return false;
	return (!f->leg->def->per_user && is_alone(j, f->leg)) || is_acquitted_by_users_alone(j, f);
}

/* The paths without any suspect: those that only the prober cannot pass, and the others. */
static void unknown_give(struct classification *j, size_t unknown, bool *has, bool of_the_prober)
{
	struct verdict_conclusion f = {.kind = of_the_prober ? VERDICT_PROBER : VERDICT_UNKNOWN};
	struct members m = {.has = has};

	for (size_t i = 0; i < j->o.n_failing; i++)
		has[i] = false;
	for (size_t k = 0; k < j->n_failures; k++)
		if (j->member[k] == unknown && is_of_the_prober(j, &j->o.rows[j->index[k]]) == of_the_prober &&
		    !may_be_echo(j, &j->o.rows[j->index[k]], &f.suspects) &&
		    !may_be_healing(j, &j->o.rows[j->index[k]])) {
			has[j->index[k]] = true;
			m.n++;
		}
	if (m.n > 0)
		conclusion_give(j, &f, &m);
}

/* What the group is one user's instance of; NULL: of nothing, or it is no conclusion of its own. */
static const char *group_base(const struct classification *j, size_t group, size_t unknown)
{
	const struct tomo_path *p = &j->groups[group].suspects;

	if (group == unknown || p->n != 1 || (is_last_mile_alone(j, p) && !is_proven_by_page(j, group)))
		return NULL;
	return topology_shared_name(j->in->topology, p->segments[0]);
}

/* Its members are the other's from now on. */
static void group_merge(struct classification *j, size_t into, size_t from)
{
	for (size_t k = 0; k < j->n_failures; k++)
		if (j->member[k] == from)
			j->member[k] = into;
	j->groups[into].failing += j->groups[from].failing;
	j->groups[from] = (struct tomo_group){.failing = 0};
}

/* Many users at once have one cause, though the segment is each one's own. */
static void masses_merge(struct classification *j, size_t n, size_t unknown)
{
	for (size_t g = 0; g < n; g++) {
		const char *base = group_base(j, g, unknown);
		size_t same = 0;

		for (size_t i = g; base != NULL && i < n; i++)
			same += group_base(j, i, unknown) == base;
		if (base == NULL || same < MASS_MIN)
			continue;
		for (size_t i = g + 1; i < n; i++)
			if (group_base(j, i, unknown) == base)
				group_merge(j, g, i);
		j->groups[g].suspects.n = 0;
		tomo_path_add(&j->groups[g].suspects, base);
	}
}

static bool group_may_be_echo(struct classification *j, size_t group)
{
	for (size_t k = 0; k < j->n_failures; k++)
		if (j->member[k] == group && !may_be_echo(j, &j->o.rows[j->index[k]], &j->groups[group].suspects))
			return false;
	return true;
}

/* Whether it was taken for drops because of a fault which is none of theirs. */
static bool group_is_supported_alone(const struct classification *j, size_t group)
{
	for (size_t k = 0; k < j->n_failures; k++) {
		const struct observation *f = &j->o.rows[j->index[k]];

		if (j->member[k] == group && (f->drop == NULL || !f->drop->supported))
			return false;
	}
	return is_last_mile_alone(j, &j->groups[group].suspects) ||
	       topology_is_personal(j->in->topology, &j->groups[group].suspects);
}

static void groups_give(struct classification *j, size_t n, size_t unknown, bool *has)
{
	for (size_t g = 0; g < n; g++) {
		struct verdict_conclusion f = {.kind = VERDICT_FAULT, .suspects = j->groups[g].suspects};
		struct members m;

		if (g == unknown || j->groups[g].failing == 0 || group_is_supported_alone(j, g) ||
		    group_may_be_echo(j, g) ||
		    (is_last_mile_alone(j, &f.suspects) && (!is_proven_by_page(j, g) || group_may_be_healing(j, g))))
			continue;
		m = group_members(j, g, has);
		conclusion_give(j, &f, &m);
	}
	exonerated_give(j, unknown < n ? unknown : n, has);
	if (unknown < n) {
		unknown_give(j, unknown, has, true);
		unknown_give(j, unknown, has, false);
	}
}

static void classification_run(struct classification *j, bool *has)
{
	size_t unknown, groups;
	int n;

	settled_by_host(j, has);
	settled_echoes(j);
	settled_drops(j, has);
	paths_gather(j);
	n = tomo_solve(j->failures, j->n_failures, j->proofs, j->n_proofs, j->groups, j->member, &unknown);
	if (n < 0) {
		j->error = n;
		return;
	}
	groups = locations_settle(j, (size_t)n, &unknown);
	masses_merge(j, groups, unknown);
	groups_give(j, groups, unknown, has);
}

int classify(const struct classify_input *in)
{
	struct classification j = {.in = in};
	bool *has;
	size_t room;

	if (observations_init(&j.o, in->incident, in->legs, in->host, in->topology) != 0)
		return -ENOMEM;
	room = j.o.n + 1;
	has = calloc(room, sizeof *has);
	j.settled = calloc(room, sizeof *j.settled);
	j.failures = calloc(room, sizeof *j.failures);
	j.index = calloc(room, sizeof *j.index);
	j.member = calloc(room, sizeof *j.member);
	j.groups = calloc(room, sizeof *j.groups);
	j.proofs = calloc(2 * room, sizeof *j.proofs);
	if (has && j.settled && j.failures && j.index && j.member && j.groups && j.proofs)
		classification_run(&j, has);
	else
		j.error = -ENOMEM;
	free(has);
	free(j.settled);
	free(j.failures);
	free(j.index);
	free(j.member);
	free(j.groups);
	free(j.proofs);
	observations_fini(&j.o);
	return j.error;
}
