/* SPDX-License-Identifier: MIT */
/* From evidence to verdicts; see classify.h. */
#include "diagnosis/classify.h"

#include <errno.h>
#include <stdlib.h>

#include "diagnosis/incident_timing.h"

struct classification {
	const struct classify_input *in;
	struct observations o;
	bool *settled; /* failing observations that tomography does not explain */
	struct tomo_failure *failures;
	size_t *index; /* of each failure: its observation */
	size_t *member;
	struct tomo_group *groups;
	struct tomo_proof *proofs;
	size_t n_failures, n_proofs;
	int error;
};

/* ---- members: the observations that a verdict is made of ------------------------------------------------ */

/* Observations that belong together: one for which `has` says so. */
struct members {
	const bool *has; /* of each failing observation */
	size_t n;
};

static void observation_convict(struct observation *f, uint64_t verdict)
{
	struct leg_input in = {.kind = LEG_CONVICTED, .verdict = verdict};

	if (f->resolver)
		in.kind = LEG_RESOLVER_CONVICTED;
	else if (f->fresh || f->large)
		in.kind = f->fresh ? LEG_FRESH_CONVICTED : LEG_LARGE_CONVICTED;
	f->verdict = verdict;
	if (f->leg != NULL)
		leg_transition(f->leg, &in);
	else
		f->drop->verdict = verdict;
}

/* Whether something failed that the verdict did not know, or that had worked again when it ended. */
static bool is_news_to(const struct verdict *v, const struct observation *f)
{
	return f->verdict != v->id || (v->state != VERDICT_STANDING && f->began_us > v->ended_us);
}

/* A user is part of one verdict only. */
static void user_leave(struct classification *j, const struct observation *f, uint64_t joined)
{
	struct verdict *was = f->verdict != joined ? verdict_table_get(j->in->verdicts, f->verdict) : NULL;

	if (was == NULL || f->drop == NULL)
		return;
	user_set_remove(&was->users, f->drop->user);
	user_set_remove(&was->absent, f->drop->user);
}

/* Takes the members into the verdict.  What was new: users; anything at all. */
static bool members_join(struct classification *j, struct verdict *v, const struct members *m, bool *new_users)
{
	bool news = false;

	*new_users = false;
	v->open_in = j->in->incident->id;
	for (size_t i = 0; i < j->o.n_failing; i++) {
		struct observation *f = &j->o.rows[i];

		if (!m->has[i])
			continue;
		news = news || is_news_to(v, f);
		user_leave(j, f, v->id);
		observation_convict(f, v->id);
		if (f->leg != NULL) {
			v->by_legs = true;
			continue;
		}
		*new_users = *new_users || !user_set_has(&v->users, f->drop->user);
		if (user_set_add(&v->users, f->drop->user) < 0 ||
		    (!f->drop->returned && user_set_add(&v->absent, f->drop->user) < 0))
			j->error = -ENOMEM;
	}
	return news;
}

/* The verdict that one of them is part of already. */
static struct verdict *members_verdict(const struct classification *j, const struct members *m)
{
	for (size_t i = 0; i < j->o.n_failing; i++) {
		struct verdict *v = m->has[i] ? verdict_table_get(j->in->verdicts, j->o.rows[i].verdict) : NULL;

		if (v != NULL && v->classified_us != j->in->now_us)
			return v;
	}
	return NULL;
}

static uint64_t members_first_us(const struct classification *j, const struct members *m)
{
	uint64_t first = UINT64_MAX;

	for (size_t i = 0; i < j->o.n_failing; i++)
		if (m->has[i] && j->o.rows[i].seen_us < first)
			first = j->o.rows[i].seen_us;
	return first < j->in->incident->first_us ? j->in->incident->first_us : first;
}

/* ---- verdicts -------------------------------------------------------------------------------------------------- */

static size_t failing_count(const struct classification *j, const struct verdict *v)
{
	size_t n = 0;

	for (size_t i = 0; i < j->o.n_failing; i++)
		n += j->o.rows[i].verdict == v->id;
	return n;
}

static void verdict_report(const struct classification *j, struct verdict *v)
{
	struct verdict_basis b = {.verdict = v,
	                          .observations = &j->o,
	                          .pressure = &j->in->incident->host_pressure,
	                          .topology = j->in->topology,
	                          .delay_us = j->in->now_us - v->first_us};

	v->failing = failing_count(j, v);
	v->given_us = j->in->now_us;
	b.wall_us = v->drop_wall_us + b.delay_us;
	j->in->report(j->in->arg, &b);
}

static struct verdict *verdict_open(struct classification *j, const struct verdict_conclusion *f,
                                    const struct members *m)
{
	const struct incident *in = j->in->incident;
	struct verdict *v = verdict_table_add(j->in->verdicts);
	bool new_users;

	if (v == NULL) {
		j->error = -ENOMEM;
		return NULL;
	}
	v->incident = in->id;
	v->revision = v->times = 1;
	v->conclusion = *f;
	v->first_us = members_first_us(j, m);
	v->drop_wall_us = in->first_wall_us + (v->first_us - in->first_us);
	members_join(j, v, m, &new_users);
	verdict_report(j, v);
	return v;
}

static bool is_of_this_incident(const struct classification *j, const struct verdict *v)
{
	return v->incident == j->in->incident->id;
}

static bool contains(const struct tomo_path *all, const struct tomo_path *some)
{
	struct tomo_path shared;

	tomo_paths_meet(all, some, &shared);
	return some->n > 0 && shared.n == some->n;
}

/* What the verdict names from now on.  The evidence of an older incident is gone: what both share goes on. */
static struct verdict_conclusion conclusion_merge(const struct classification *j, const struct verdict *v,
                                                  const struct verdict_conclusion *f)
{
	struct verdict_conclusion merged = *f;

	if (f->kind == VERDICT_EXONERATED && v->conclusion.kind == VERDICT_EXONERATED) {
		tomo_path_join(&merged.suspects, &v->conclusion.suspects);
		return merged;
	}
	if (!is_of_this_incident(j, v) && f->kind == v->conclusion.kind)
		tomo_paths_meet(&v->conclusion.suspects, &f->suspects, &merged.suspects);
	if (merged.kind == v->conclusion.kind && contains(&merged.suspects, &v->conclusion.suspects))
		return v->conclusion; /* what was known already is not forgotten */
	return merged.suspects.n > 0 || f->suspects.n == 0 ? merged : *f;
}

static bool is_narrower(const struct verdict_conclusion *now, const struct verdict_conclusion *was)
{
	return now->kind == was->kind && contains(&was->suspects, &now->suspects);
}

/* A fault that had ended, or seemed to, is there again. */
static bool verdict_reopen(struct verdict *v)
{
	if (v->state == VERDICT_STANDING && v->works_us == 0)
		return false;
	v->state = VERDICT_STANDING;
	v->works_us = v->ended_us = 0;
	v->times++;
	return true;
}

static void verdict_revise(struct classification *j, struct verdict *v, const struct verdict_conclusion *f,
                           const struct members *m)
{
	struct verdict_conclusion merged = conclusion_merge(j, v, f), was = v->conclusion;
	bool users, news = members_join(j, v, m, &users), again;
	bool same = verdict_conclusion_equal(&merged, &was) || (merged.kind == was.kind && merged.suspects.n == 0) ||
	            (merged.kind == VERDICT_EXONERATED && was.kind == VERDICT_EXONERATED);

	if (!news && same) {
		v->cleared_us = 0;
		return;
	}
	again = news && verdict_reopen(v);
	v->cleared_us = 0;
	v->conclusion = merged;
	if (same && !users && !(again && v->times == 2))
		return;
	if (v->revision >= REVISIONS_MAX)
		return;
	v->revision++;
	v->was = was;
	v->change = !same   ? (is_narrower(&merged, &was) ? VERDICT_NARROWED : VERDICT_CHANGED)
	            : again ? VERDICT_AGAIN
	                    : VERDICT_USERS;
	verdict_report(j, v);
}

static void conclusion_give(struct classification *j, const struct verdict_conclusion *f, const struct members *m)
{
	struct verdict *v = members_verdict(j, m);

	if (v == NULL)
		v = verdict_table_match(j->in->verdicts, f, j->in->now_us);
	if (v == NULL)
		v = verdict_open(j, f, m);
	else
		verdict_revise(j, v, f, m);
	if (v != NULL)
		v->classified_us = j->in->now_us;
}

/* ---- what tomography does not explain
 * ------------------------------------------------------------------------------
 */

/* Whether the host explains all that the verdict is made of, as far as it is seen. */
static bool is_of_the_host(const struct classification *j, uint64_t verdict)
{
	for (size_t i = 0; i < j->o.n_failing; i++)
		if (j->o.rows[i].verdict == verdict && j->o.rows[i].host == NULL)
			return false;
	return true;
}

static void host_settle(struct classification *j, bool *has)
{
	const struct verdict_conclusion host = {.kind = VERDICT_HOST};
	struct members m = {.has = has};
	bool matters = false;

	j->in->incident->host_explains = false;
	for (size_t i = 0; i < j->o.n_failing; i++) {
		const struct observation *f = &j->o.rows[i];

		if (f->host != NULL && f->leg != NULL)
			j->in->incident->host_explains = true;
		j->settled[i] = f->host != NULL;
		has[i] = f->host != NULL && (f->verdict == 0 || is_of_the_host(j, f->verdict));
		m.n += has[i];
		matters = matters || (has[i] && (f->drop != NULL || f->verdict != 0));
	}
	if (matters)
		conclusion_give(j, &host, &m);
}

/* What a leg had begun before a fault was over says nothing new of it when it ends: what it tries next does. */
static void echoes_settle(struct classification *j)
{
	j->in->incident->echoes = false;
	for (size_t i = 0; i < j->o.n_failing; i++) {
		const struct observation *f = &j->o.rows[i];

		if (j->settled[i] || f->leg == NULL || f->verdict != 0 ||
		    !verdict_table_echoes(j->in->verdicts, &f->accused, observation_tried_us(f), j->in->now_us))
			continue;
		j->settled[i] = j->in->incident->echoes = true;
	}
}

/* Whether a leg fails now on that path, and nothing explains it yet. */
static bool legs_accuse(const struct classification *j, const struct tomo_path *path)
{
	for (size_t i = 0; i < j->o.n_failing; i++) {
		const struct observation *f = &j->o.rows[i];

		if (f->leg != NULL && !j->settled[i] && f->verdict == 0 && tomo_paths_meet(&f->accused, path, NULL))
			return true;
	}
	return false;
}

/* The user's whole path, and what parts of it many users' faults are called. */
static void path_of_user(struct classification *j, const char *user, struct tomo_path *out)
{
	size_t n;

	topology_user_path(j->in->topology, user, USER_ALL, out);
	n = out->n;
	for (size_t i = 0; i < n && out->n < TOMO_PATH_MAX; i++) {
		const char *base = topology_shared_name(j->in->topology, out->segments[i]);

		if (base != NULL)
			tomo_path_add(out, base);
	}
}

static void drop_explain(struct classification *j, size_t i, bool *has)
{
	struct observation *f = &j->o.rows[i];
	struct members m = {.has = has, .n = 1};
	struct tomo_path whole;
	struct verdict *v;
	bool new_users;

	path_of_user(j, f->drop->user, &whole);
	v = verdict_table_explain(j->in->verdicts, f, &whole, j->in->now_us);
	if (v == NULL || (v->state != VERDICT_STANDING && legs_accuse(j, &whole)))
		return;
	j->settled[i] = has[i] = f->drop->explained = true;
	members_join(j, v, &m, &new_users);
	v->grew = v->grew || new_users;
	has[i] = false;
}

/* One revision for all users who joined. */
static void grown_report(struct classification *j)
{
	for (size_t i = 0; i < j->in->verdicts->n; i++) {
		struct verdict *v = j->in->verdicts->rows[i];
		bool grew = v->grew;

		v->grew = false;
		if (!grew || v->revision >= REVISIONS_MAX)
			continue;
		v->revision++;
		v->change = VERDICT_USERS;
		verdict_report(j, v);
	}
}

/* Whether a fault explained this drop before, and is one still. */
static bool is_explained(const struct classification *j, const struct observation *f)
{
	const struct verdict *v = verdict_table_get(j->in->verdicts, f->verdict);

	return f->drop != NULL && f->drop->explained && v != NULL && v->conclusion.kind == VERDICT_FAULT;
}

static void drops_explain(struct classification *j, bool *has)
{
	for (size_t i = 0; i < j->o.n_failing; i++) {
		has[i] = false;
		j->settled[i] = j->settled[i] || is_explained(j, &j->o.rows[i]);
	}
	for (size_t i = 0; i < j->o.n_failing; i++)
		if (!j->settled[i] && j->o.rows[i].drop != NULL && j->o.rows[i].verdict == 0)
			drop_explain(j, i, has);
	grown_report(j);
}

/* ---- tomography
 * ------------------------------------------------------------------------------------------------------ */

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
			j->proofs[j->n_proofs++] = (struct tomo_proof){&f->acquitted, f->answered_us,
			                                               TOMO_BY_ANSWERED};
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

/* Whether it accuses none of what the fault was that it is part of: what acquitted that may be its end.  What is
 * tried now and then says so itself when it is tried again. */
static bool may_be_echo(struct classification *j, struct observation *f, const struct tomo_path *suspects)
{
	const struct verdict *v = verdict_table_get(j->in->verdicts, f->verdict);

	return v != NULL && !tomo_paths_meet(&v->conclusion.suspects, suspects, NULL) && is_stale(j, f, v) &&
	       (f->fresh || f->large || may_be_healing(j, f));
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

/* Whether a leg without suspects has a way to them of its own that failed: everything is acquitted by users, or
 * nothing fails but this shared leg. */
static bool is_of_the_prober(const struct classification *j, const struct observation *f)
{
	if (f->leg == NULL || f->resolver)
		return false;
	return (j->n_failures == 1 && !f->leg->def->per_user) || is_acquitted_by_users_alone(j, f);
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
	return is_last_mile_alone(j, &j->groups[group].suspects);
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
	size_t unknown;
	int n;

	host_settle(j, has);
	echoes_settle(j);
	drops_explain(j, has);
	paths_gather(j);
	n = tomo_solve(j->failures, j->n_failures, j->proofs, j->n_proofs, j->groups, j->member, &unknown);
	if (n < 0) {
		j->error = n;
		return;
	}
	masses_merge(j, (size_t)n, unknown);
	groups_give(j, (size_t)n, unknown, has);
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
