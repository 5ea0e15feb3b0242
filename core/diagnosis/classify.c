/* SPDX-License-Identifier: MIT */
/* From the evidence of an incident to its verdicts; see classify.h. */
#include "diagnosis/classify.h"

#include <errno.h>
#include <stdlib.h>

/* One incident being judged. */
struct trial {
	const struct classify_input *in;
	struct observations observations;
	bool *explained; /* failing observations that an earlier fault explains */
	struct tomo_path *accused, *acquitted;
	size_t n_accused, n_acquitted;
	int error;
};

static void verdict_give(const struct trial *t, struct verdict *v)
{
	const struct incident *in = t->in->incident;

	v->id = in->id;
	v->drop_us = in->first_wall_us;
	v->delay_us = t->in->now_us - in->first_us;
	v->wall_us = in->first_wall_us + v->delay_us;
	v->observations = &t->observations;
	v->incident = in;
	t->in->verdict(t->in->arg, v);
}

static enum verdict_kind kind_of(const struct topology *t, const struct tomo_path *suspects)
{
	if (suspects->n == 0)
		return VERDICT_UNKNOWN;
	for (size_t i = 0; i < suspects->n; i++)
		if (!topology_is_last_mile(t, suspects->segments[i]))
			return VERDICT_FAULT;
	return VERDICT_EXONERATED;
}

static void suspects_give(const struct trial *t, const struct tomo_path *suspects, const struct drop *only,
                          uint64_t continues, size_t failing)
{
	struct verdict v = {.kind = kind_of(t->in->topology, suspects),
	                    .only = only,
	                    .continues = continues,
	                    .failing = failing,
	                    .suspects = *suspects};

	verdict_give(t, &v);
}

/* A tunnel that broke with a fault which healed meanwhile: its victim, no evidence of a new one. */
static void drop_explain(struct trial *t, size_t n)
{
	const struct observation *f = &t->observations.rows[n];
	struct tomo_path shared;
	const struct fault *fault = faults_explain(t->in->faults, &f->accused, f->drop->opened_us,
	                                           f->drop->received_us, t->in->now_us, &shared);

	if (fault == NULL)
		return;
	t->explained[n] = true;
	suspects_give(t, &shared, f->drop, fault->id, 1);
}

static void paths_gather(struct trial *t)
{
	for (size_t n = 0; n < t->observations.n; n++) {
		const struct observation *f = &t->observations.rows[n];

		if (f->drop != NULL)
			drop_explain(t, n);
		if (n < t->observations.n_failing && !t->explained[n])
			t->accused[t->n_accused++] = f->accused;
		if (f->acquitted.n > 0)
			t->acquitted[t->n_acquitted++] = f->acquitted;
	}
}

static void leg_convict(const struct observation *f, uint64_t fault)
{
	struct leg_input in = {.kind = LEG_CONVICTED, .fault = fault};

	if (f->resolver) {
		in.kind = LEG_RESOLVER_CONVICTED;
		if (f->leg->resolver == RESOLVER_FAILS)
			leg_transition(f->leg, &in);
	} else if (f->leg->testimony != LEG_RECOVERED) {
		leg_transition(f->leg, &in);
	}
}

/* Makes the failing paths of a group the evidence that its fault stands on.  Whether a user is among them. */
static bool fault_base(struct trial *t, struct fault *fault, const struct tomo_path *suspects)
{
	bool users = false;

	for (size_t n = 0; n < t->observations.n_failing; n++) {
		const struct observation *f = &t->observations.rows[n];

		if (t->explained[n] || !observation_supports(f, suspects))
			continue;
		if (f->leg != NULL) {
			fault->by_legs = true;
			leg_convict(f, fault->no);
			continue;
		}
		users = true;
		if (!f->drop->returned && fault_add_user(fault, f->drop->user) < 0)
			t->error = -ENOMEM;
	}
	return users;
}

/* The standing fault that these suspects belong to, or a new one; suspects become what both share. */
static struct fault *fault_of(struct trial *t, struct tomo_path *suspects, uint64_t *continues, bool *narrower)
{
	struct fault *fault = faults_standing(t->in->faults, suspects);

	*continues = 0;
	*narrower = true;
	if (fault != NULL) {
		tomo_path_intersect(suspects, &fault->suspects);
		*continues = fault->id;
		*narrower = suspects->n < fault->suspects.n;
		fault->suspects = *suspects;
		return fault;
	}
	fault = faults_add(t->in->faults, t->in->incident->id, suspects);
	if (fault != NULL)
		fault->first_us = t->in->incident->first_us;
	return fault;
}

static void classify_group(struct trial *t, const struct tomo_group *group)
{
	struct tomo_path suspects = group->suspects;
	struct fault *fault;
	uint64_t continues;
	bool users, narrower;

	if (suspects.n == 0) {
		suspects_give(t, &suspects, NULL, 0, group->failing);
		return;
	}
	fault = fault_of(t, &suspects, &continues, &narrower);
	if (fault == NULL) {
		t->error = -ENOMEM;
		return;
	}
	fault->until_us = t->in->now_us;
	users = fault_base(t, fault, &suspects);
	if (continues == 0 || users || narrower)
		suspects_give(t, &suspects, NULL, continues, group->failing);
}

static void trial_run(struct trial *t)
{
	struct verdict host = {.kind = VERDICT_HOST, .failing = t->observations.n_failing};
	struct tomo_group *groups;
	size_t n;

	if (t->observations.n_failing == 0)
		return;
	if (t->in->incident->frozen_us > 0) {
		verdict_give(t, &host);
		return;
	}
	groups = calloc(t->observations.n_failing, sizeof *groups);
	if (groups == NULL) {
		t->error = -ENOMEM;
		return;
	}
	paths_gather(t);
	n = tomo_solve(t->accused, t->n_accused, t->acquitted, t->n_acquitted, groups);
	for (size_t g = 0; g < n; g++)
		classify_group(t, &groups[g]);
	free(groups);
}

int classify(const struct classify_input *in)
{
	struct trial t = {.in = in};

	if (observations_init(&t.observations, in->incident, in->legs, in->topology) != 0)
		return -ENOMEM;
	t.explained = calloc(t.observations.n + 1, sizeof *t.explained);
	t.accused = calloc(t.observations.n + 1, sizeof *t.accused);
	t.acquitted = calloc(t.observations.n + 1, sizeof *t.acquitted);
	if (t.explained != NULL && t.accused != NULL && t.acquitted != NULL)
		trial_run(&t);
	else
		t.error = -ENOMEM;
	free(t.explained);
	free(t.accused);
	free(t.acquitted);
	observations_fini(&t.observations);
	return t.error;
}
