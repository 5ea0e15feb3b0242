/* SPDX-License-Identifier: MIT */
/* From a conclusion to a verdict, or a revision of one; see conclusion.h. */
#include "diagnosis/conclusion.h"

#include <errno.h>

#include "diagnosis/incident_timing.h"

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

bool conclusion_join(struct classification *j, struct verdict *v, const struct members *m, bool *new_users)
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

static size_t failing_count(const struct classification *j, const struct verdict *v)
{
	size_t n = 0;

	for (size_t i = 0; i < j->o.n_failing; i++)
		n += j->o.rows[i].verdict == v->id;
	return n;
}

void conclusion_report(const struct classification *j, struct verdict *v)
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
	v->named_users = v->users.n > 0;
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
	conclusion_join(j, v, m, &new_users);
	conclusion_report(j, v);
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

/* A location is a part of its segment. */
static bool is_narrower(const struct classification *j, const struct verdict_conclusion *now,
                        const struct verdict_conclusion *was)
{
	struct tomo_path whole = {.n = 0};
	const char *colo;

	for (size_t i = 0; i < now->suspects.n; i++) {
		const char *name = now->suspects.segments[i], *shared = NULL;

		if (topology_is_location(j->in->topology, name, &colo) && !tomo_path_has(&was->suspects, name))
			shared = topology_shared_name(j->in->topology, name);
		tomo_path_add(&whole, shared != NULL ? shared : name);
	}
	return now->kind == was->kind && contains(&was->suspects, &whole);
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
	bool users, news = conclusion_join(j, v, m, &users), again;
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
	v->change = !same   ? (is_narrower(j, &merged, &was) ? VERDICT_NARROWED : VERDICT_CHANGED)
	            : again ? VERDICT_AGAIN
	                    : VERDICT_USERS;
	conclusion_report(j, v);
}

void conclusion_give(struct classification *j, const struct verdict_conclusion *f, const struct members *m)
{
	struct verdict *v = members_verdict(j, m);

	if (v == NULL)
		v = verdict_table_match(j->in->verdicts, j->in->topology, f, j->in->now_us);
	if (v == NULL)
		v = verdict_open(j, f, m);
	else
		verdict_revise(j, v, f, m);
	if (v != NULL)
		v->classified_us = j->in->now_us;
}
