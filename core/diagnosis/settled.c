/* SPDX-License-Identifier: MIT */
/* What needs no tomography; see settled.h. */
#include "diagnosis/settled.h"

#include "diagnosis/conclusion.h"
#include "diagnosis/incident_timing.h"

/* Whether the host explains all that the verdict is made of, as far as it is seen. */
static bool is_of_the_host(const struct classification *j, uint64_t verdict)
{
	for (size_t i = 0; i < j->o.n_failing; i++)
		if (j->o.rows[i].verdict == verdict && j->o.rows[i].host == NULL)
			return false;
	return true;
}

static bool is_offline(const struct observation *f)
{
	return f->host != NULL && f->host->kind == HOST_OFFLINE;
}

/* Whether it had failed before the network went: silence since then is no news. */
static bool broke_before(const struct observation *f)
{
	bool of_leg = f->leg != NULL && !f->resolver && !f->fresh && !f->large;
	uint64_t began_us = of_leg ? f->leg->began_us : f->began_us;

	return began_us + OFFLINE_BEFORE_US < f->host->from_us;
}

/* Where users were heard only legs had no network.  What had broken before it went keeps its verdict: no more can be
 * told of it. */
static void settled_offline(struct classification *j, bool *has)
{
	struct verdict_conclusion conclusion = {.kind = VERDICT_INCONCLUSIVE};
	struct members m = {.has = has};

	for (size_t i = 0; i < j->o.n_failing; i++) {
		const struct observation *f = &j->o.rows[i];

		has[i] = is_offline(f) && !broke_before(f) && (f->verdict == 0 || is_of_the_host(j, f->verdict));
		m.n += has[i];
		if (has[i] && f->leg != NULL && observation_users_heard(j->in->incident, f->host))
			conclusion.kind = VERDICT_PROBER;
	}
	if (m.n > 0)
		conclusion_give(j, &conclusion, &m);
}

void settled_by_host(struct classification *j, bool *has)
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
		has[i] = f->host != NULL && !is_offline(f) && (f->verdict == 0 || is_of_the_host(j, f->verdict));
		m.n += has[i];
		matters = matters || (has[i] && (f->drop != NULL || f->verdict != 0));
	}
	if (matters)
		conclusion_give(j, &host, &m);
	settled_offline(j, has);
}

void settled_echoes(struct classification *j)
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
static void path_of_user(struct classification *j, const struct drop *d, struct tomo_path *out)
{
	size_t n;

	topology_user_path(j->in->topology, d->user, USER_ALL, out);
	topology_locate(j->in->topology, d->colo, out);
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

	path_of_user(j, f->drop, &whole);
	v = verdict_table_explain(j->in->verdicts, j->in->topology, f, &whole, j->in->now_us);
	if (v == NULL || (v->state != VERDICT_STANDING && legs_accuse(j, &whole)))
		return;
	j->settled[i] = has[i] = f->drop->explained = true;
	conclusion_join(j, v, &m, &new_users);
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
		conclusion_report(j, v);
	}
}

/* Whether a fault explained this drop before, and is one still. */
static bool is_explained(const struct classification *j, const struct observation *f)
{
	const struct verdict *v = verdict_table_get(j->in->verdicts, f->verdict);

	return f->drop != NULL && f->drop->explained && v != NULL && v->conclusion.kind == VERDICT_FAULT;
}

void settled_drops(struct classification *j, bool *has)
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
