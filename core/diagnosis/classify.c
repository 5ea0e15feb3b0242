/* SPDX-License-Identifier: MIT */
/*
 * The end of an incident: evidence in, verdicts out, and the faults that stand from then on; see
 * incident.h for the rules.  Monitor process; pure.
 */
#include <stdlib.h>
#include <string.h>

#include "diagnosis/incident_state.h"

/* One incident being judged. */
struct diagnosis {
	struct incidents *i;
	struct observations observations;
	bool *explained; /* failing observations that an earlier fault explains */
	struct tomo_path *accused, *acquitted;
	size_t n_accused, n_acquitted;
	uint64_t now_us;
};

/* The user that "serve(alice)" belongs to. */
static void segment_user(const char *segment, char *out, size_t size)
{
	const char *open = strchr(segment, '(');
	size_t len = open != NULL ? strcspn(open + 1, ")") : 0;

	if (len >= size)
		len = size - 1;
	if (len > 0)
		memcpy(out, open + 1, len);
	out[len] = '\0';
}

static void verdict_give(struct diagnosis *t, struct summary *s, const char *segments, size_t failing)
{
	struct incident *in = &t->i->now;
	struct verdict v = {
	    .id = in->id, .drop_us = in->first_wall_us, .continues = s->continues, .failing = failing};

	v.delay_us = t->now_us - in->first_us;
	v.wall_us = in->first_wall_us + v.delay_us;
	v.exonerated = s->kind == SUMMARY_EXONERATED;
	event_set(v.segments, segments);
	if (s->suspects != NULL && s->suspects->n == 1)
		segment_user(s->suspects->segments[0], v.user, sizeof v.user);
	s->observations = &t->observations;
	s->incident = in;
	summary_write(s, v.text, sizeof v.text);
	v.evidence = observations_json(&t->observations, in);
	t->i->actions->verdict(t->i->arg, &v);
}

static enum summary_kind kind_of(const struct topology *t, const struct tomo_path *suspects)
{
	if (suspects->n == 0)
		return SUMMARY_UNKNOWN;
	for (size_t i = 0; i < suspects->n; i++)
		if (!topology_is_last_mile(t, suspects->segments[i]))
			return SUMMARY_FAULT;
	return SUMMARY_EXONERATED;
}

static void suspects_give(struct diagnosis *t, const struct tomo_path *suspects, const struct drop *only,
                          uint64_t continues, size_t failing)
{
	struct summary s = {.kind = kind_of(t->i->topology, suspects), .only = only, .continues = continues};
	char segments[160];

	s.suspects = suspects;
	path_text(suspects, segments, sizeof segments);
	verdict_give(t, &s, s.kind == SUMMARY_UNKNOWN ? "unknown" : segments, failing);
}

/* A tunnel that broke with a fault which healed meanwhile: its victim, no evidence of a new one. */
static void drop_explain(struct diagnosis *t, size_t n)
{
	const struct observation *f = &t->observations.rows[n];
	struct tomo_path shared;
	const struct fault *fault = faults_explain(&t->i->faults, &f->accused, f->drop->opened_us,
	                                           f->drop->received_us, t->now_us, &shared);

	if (fault == NULL)
		return;
	t->explained[n] = true;
	suspects_give(t, &shared, f->drop, fault->id, 1);
}

static void paths_gather(struct diagnosis *t)
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

/* Makes the failing paths of a group the evidence that its fault stands on.  Whether a user is among them. */
static bool fault_base(struct diagnosis *t, struct fault *fault, const struct tomo_path *suspects)
{
	bool users = false;

	for (size_t n = 0; n < t->observations.n_failing; n++) {
		struct observation *f = &t->observations.rows[n];

		if (t->explained[n] || !observation_supports(f, suspects))
			continue;
		if (f->drop != NULL) {
			users = true;
			if (!f->drop->returned)
				fault_add_user(fault, f->drop->user);
			continue;
		}
		fault->by_legs = true;
		if (f->resolver && f->leg->resolver_failed)
			f->leg->resolver_fault = fault->no;
		if (!f->resolver && !f->leg->recovered)
			f->leg->fault = fault->no;
	}
	return users;
}

static void classify_group(struct diagnosis *t, const struct tomo_group *group)
{
	struct tomo_path suspects = group->suspects;
	struct fault *fault = faults_standing(&t->i->faults, &suspects);
	uint64_t continues = fault != NULL ? fault->id : 0;
	bool users, narrower = true;

	if (suspects.n == 0) {
		suspects_give(t, &suspects, NULL, 0, group->failing);
		return;
	}
	if (fault != NULL) {
		tomo_path_intersect(&suspects, &fault->suspects);
		narrower = suspects.n < fault->suspects.n;
		fault->suspects = suspects;
	} else {
		fault = faults_add(&t->i->faults, t->i->now.id, &suspects);
		fault->first_us = t->i->now.first_us;
	}
	fault->until_us = t->now_us;
	users = fault_base(t, fault, &suspects);
	if (continues == 0 || users || narrower)
		suspects_give(t, &suspects, NULL, continues, group->failing);
}

static void diagnosis_run(struct diagnosis *t)
{
	struct tomo_group groups[TOMO_GROUPS_MAX];
	struct summary host = {.kind = SUMMARY_HOST};
	size_t n;

	if (t->observations.n_failing == 0)
		return;
	if (t->i->now.frozen_us > 0) {
		verdict_give(t, &host, "host", t->observations.n_failing);
		return;
	}
	paths_gather(t);
	n = tomo_solve(t->accused, t->n_accused, t->acquitted, t->n_acquitted, groups);
	for (size_t g = 0; g < n; g++)
		classify_group(t, &groups[g]);
}

static void diagnosis_hold(struct incidents *i, uint64_t now_us)
{
	struct diagnosis t = {.i = i, .now_us = now_us};

	if (observations_init(&t.observations, &i->now, &i->legs, i->topology) != 0)
		return;
	t.explained = calloc(t.observations.n + 1, sizeof *t.explained);
	t.accused = calloc(t.observations.n + 1, sizeof *t.accused);
	t.acquitted = calloc(t.observations.n + 1, sizeof *t.acquitted);
	if (t.explained != NULL && t.accused != NULL && t.acquitted != NULL)
		diagnosis_run(&t);
	free(t.explained);
	free(t.accused);
	free(t.acquitted);
	observations_fini(&t.observations);
}

void incident_close(struct incidents *i, uint64_t now_us)
{
	struct pressure sample = {.mono_us = now_us};

	i->actions->pressure(i->arg, &sample);
	pressure_add(&i->pressure, &sample);
	pressure_window(&i->pressure, i->now.first_us, &i->now.host_pressure);
	diagnosis_hold(i, now_us);
	for (size_t n = 0; n < i->legs.n; n++) {
		struct leg *leg = i->legs.rows[n];

		if (leg->recovered)
			leg->failed_id = 0;
		if (!leg->resolver_failed)
			leg->resolver_failed_id = 0;
		leg->recovered = false;
	}
	i->now = (struct incident){.id = 0};
	faults_heal(i, now_us);
}

static bool evidence_left(const struct incidents *i, const struct fault *fault)
{
	if (!fault->by_legs)
		return fault->n_users > 0;
	for (size_t n = 0; n < i->legs.n; n++)
		if (i->legs.rows[n]->fault == fault->no || i->legs.rows[n]->resolver_fault == fault->no)
			return true;
	return false;
}

void faults_heal(struct incidents *i, uint64_t now_us)
{
	for (size_t n = 0; n < i->faults.n; n++) {
		struct fault *fault = &i->faults.rows[n];
		struct healed h = {.id = fault->id};

		if (fault->healed || evidence_left(i, fault))
			continue;
		fault->healed = true;
		fault->until_us = now_us;
		h.took_us = now_us - fault->first_us;
		path_text(&fault->suspects, h.segments, sizeof h.segments);
		i->actions->healed(i->arg, &h);
	}
}
