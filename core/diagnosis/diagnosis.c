/* SPDX-License-Identifier: MIT */
/* What opens, feeds and closes an incident; see diagnosis.h. */
#include "diagnosis/diagnosis.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "diagnosis/classify.h"
#include "tbl/reason.h"

/* The latest freeze of a process of ours. */
struct freeze {
	uint64_t us, end_us;
	const char *process;
};

struct diagnosis {
	struct topology *topology;
	struct probe_table legs;
	struct faults faults;
	struct pressure_ring pressure;
	struct incident now; /* id 0: none is open */
	struct freeze freeze;
	uint64_t next_id;
	uint64_t ping_timeout_us;
	const struct diagnosis_actions *actions;
	void *arg;
};

int diagnosis_new(const struct diagnosis_setup *setup, struct diagnosis **out, const char **which)
{
	struct diagnosis *d = calloc(1, sizeof *d);
	int r = d != NULL ? topology_new(&setup->shape, &d->topology, which) : -ENOMEM;

	*out = NULL;
	if (r < 0) {
		free(d);
		return r;
	}
	d->ping_timeout_us = setup->ping_timeout_us;
	d->next_id = setup->next_id;
	d->actions = setup->actions;
	d->arg = setup->arg;
	*out = d;
	return 0;
}

void diagnosis_free(struct diagnosis *d)
{
	if (d == NULL)
		return;
	incident_fini(&d->now);
	faults_fini(&d->faults);
	probe_table_fini(&d->legs);
	topology_free(d->topology);
	free(d);
}

const struct probe_table *diagnosis_legs(const struct diagnosis *d)
{
	return &d->legs;
}

uint64_t diagnosis_incident(const struct diagnosis *d)
{
	return d->now.id;
}

/* ---- the open incident --------------------------------------------------------------------------- */

/* A freeze counts if it overlaps the time from shortly before the first drop. */
static void freeze_apply(struct diagnosis *d)
{
	struct incident *in = &d->now;

	if (in->id == 0 || d->freeze.us <= in->frozen_us || d->freeze.end_us + INCIDENT_LOOKBACK_US < in->first_us)
		return;
	in->frozen_us = d->freeze.us;
	in->frozen_process = d->freeze.process;
}

/* Joins the open incident, or opens one and asks what works now. */
static void incident_join(struct diagnosis *d, uint64_t wall_us, uint64_t mono_us, uint64_t now_us)
{
	struct incident *in = &d->now;

	if (in->id == 0) {
		*in = (struct incident){.id = d->next_id++, .opened_us = now_us, .first_us = now_us};
		in->first_wall_us = wall_us;
		if (mono_us > 0 && mono_us < now_us)
			in->first_us = mono_us;
		freeze_apply(d);
		d->actions->probe(d->arg, in->id, in->first_us);
	}
	in->last_us = now_us;
}

static void heal(struct diagnosis *d, uint64_t now_us)
{
	const struct fault *fault;

	while ((fault = faults_heal_one(&d->faults, &d->legs, now_us)) != NULL) {
		struct healed h = {.id = fault->id, .took_us = now_us - fault->first_us, .suspects = fault->suspects};

		d->actions->healed(d->arg, &h);
	}
}

static int incident_close(struct diagnosis *d, uint64_t now_us)
{
	static const struct leg_input over = {.kind = LEG_INCIDENT_OVER};
	struct pressure sample = {.mono_us = now_us};
	struct classify_input in = {.incident = &d->now,
	                            .legs = &d->legs,
	                            .topology = d->topology,
	                            .faults = &d->faults,
	                            .now_us = now_us,
	                            .verdict = d->actions->verdict,
	                            .arg = d->arg};
	int r;

	d->actions->pressure(d->arg, &sample);
	pressure_add(&d->pressure, &sample);
	pressure_window(&d->pressure, d->now.first_us, &d->now.host_pressure);
	r = classify(&in);
	probe_table_transition(&d->legs, &over);
	incident_fini(&d->now);
	heal(d, now_us);
	return r;
}

/* When the incident may be closed as things are now. */
static uint64_t close_time(const struct diagnosis *d)
{
	const struct incident *in = &d->now;
	uint64_t deadline = in->opened_us + d->ping_timeout_us + INCIDENT_GRACE_US;
	uint64_t at = in->last_us + INCIDENT_SETTLE_US;
	bool legs_fail = false;

	for (size_t n = 0; n < d->legs.n; n++) {
		const struct leg *leg = d->legs.rows[n];

		if (!leg_has_reported(leg))
			return deadline;
		legs_fail = legs_fail || leg_fails(leg) || leg->resolver_testimony == LEG_FAILED;
	}
	if (!legs_fail && in->n_drops > 0 && at < in->opened_us + INCIDENT_LIVE_ROUND_US)
		at = in->opened_us + INCIDENT_LIVE_ROUND_US;
	return at < deadline ? at : deadline;
}

int diagnosis_tick(struct diagnosis *d, uint64_t now_us, uint64_t *next_us)
{
	*next_us = UINT64_MAX;
	faults_expire(&d->faults, now_us);
	if (d->now.id == 0)
		return 0;
	if (now_us >= close_time(d))
		return incident_close(d, now_us);
	*next_us = close_time(d);
	return 0;
}

/* ---- reports of legs ------------------------------------------------------------------------------- */

int diagnosis_leg(struct diagnosis *d, const struct leg_report *r, uint64_t now_us)
{
	struct leg_input in = {.kind = r->kind,
	                       .step = r->step,
	                       .reason = r->reason,
	                       .code = r->code,
	                       .wall_us = r->wall_us,
	                       .rtt_us = r->rtt_us,
	                       .asked = d->now.id != 0 && r->probe_id == d->now.id};
	struct leg *leg;
	unsigned news;
	int found = probe_table_get(&d->legs, d->topology, r->name, r->user, &leg);

	if (found < 0)
		return found == -ENOENT ? 0 : found;
	news = leg_transition(leg, &in);
	if (news & LEG_NEWS_WALLED_OFF)
		d->actions->walled_off(d->arg, leg->def->name);
	if (news & LEG_NEWS_BROKE)
		incident_join(d, r->wall_us, r->mono_us, now_us);
	heal(d, now_us);
	return 0;
}

int diagnosis_leg_gone(struct diagnosis *d, const char *name, const char *user, uint64_t now_us)
{
	struct leg *leg;
	int found = probe_table_get(&d->legs, d->topology, name, user, &leg);

	if (found < 0)
		return found == -ENOENT ? 0 : found;
	probe_table_remove(&d->legs, leg);
	heal(d, now_us);
	return 0;
}

void diagnosis_prober_replaced(struct diagnosis *d, uint64_t wall_us)
{
	const struct leg_input replaced = {.kind = LEG_PROBER_REPLACED, .wall_us = wall_us};

	probe_table_transition(&d->legs, &replaced);
}

/* ---- reports of users' tunnels ---------------------------------------------------------------------- */

static uint64_t quiet_of(const struct drop_report *r)
{
	switch (reason_side(r->reason)) {
	case SIDE_CLIENT:
		return r->idle_client_us;
	case SIDE_SERVE:
		return r->idle_upstream_us;
	default:
		return r->idle_client_us > r->idle_upstream_us ? r->idle_client_us : r->idle_upstream_us;
	}
}

static void drop_fill(struct drop *d, const struct drop_report *r, const char *user, uint64_t now_us)
{
	uint64_t at = r->mono_us > 0 ? r->mono_us : now_us, quiet = quiet_of(r);

	*d = (struct drop){.user = user, .reason = r->reason, .code = r->code, .quiet_us = quiet};
	d->received_us = at > quiet ? at - quiet : 0;
	d->opened_us = r->age_us > 0 && at > r->age_us ? at - r->age_us : 0;
	snprintf(d->address, sizeof d->address, "%s", r->address);
	snprintf(d->colo, sizeof d->colo, "%s", r->colo);
}

int diagnosis_drop(struct diagnosis *d, const struct drop_report *r, uint64_t now_us)
{
	const char *user = topology_name(d->topology, r->user);
	struct drop *known, new;

	if (evidence_of_drop(r->reason) == USER_NONE)
		return 0;
	if (user == NULL)
		return -ENOMEM;
	incident_join(d, r->wall_us, r->mono_us, now_us);
	known = incident_drop(&d->now, user);
	if (known == NULL) {
		drop_fill(&new, r, user, now_us);
		known = incident_drop_add(&d->now, &new);
	}
	if (known == NULL)
		return -ENOMEM;
	known->tunnels++;
	return 0;
}

int diagnosis_open(struct diagnosis *d, const struct open_report *r, uint64_t now_us)
{
	const char *user = topology_name(d->topology, r->user);
	struct drop *drop = user != NULL ? incident_drop(&d->now, user) : NULL;

	if (user == NULL)
		return -ENOMEM;
	faults_user_back(&d->faults, user);
	if (drop != NULL) {
		drop->returned = true;
		drop->moved = drop->address[0] != '\0' && r->address[0] != '\0' &&
		              strcmp(drop->address, r->address) != 0;
		drop->other_colo = drop->colo[0] != '\0' && r->colo[0] != '\0' && strcmp(drop->colo, r->colo) != 0;
	}
	heal(d, now_us);
	return 0;
}

int diagnosis_live(struct diagnosis *d, const struct live_report *r, uint64_t now_us)
{
	struct live_tunnel live = {.user = topology_name(d->topology, r->user)};

	(void)now_us;
	if (d->now.id == 0 || r->probe_id != d->now.id)
		return 0;
	if (live.user == NULL)
		return -ENOMEM;
	live.serve = r->idle_upstream_us > 0 ? r->mono_us > d->now.first_us + r->idle_upstream_us : r->carried_down;
	return incident_live_tunnel_add(&d->now, &live);
}

/* ---- reports of the host ------------------------------------------------------------------------------ */

void diagnosis_freeze(struct diagnosis *d, const struct freeze_report *r, uint64_t now_us)
{
	d->freeze = (struct freeze){r->us, r->end_us > 0 ? r->end_us : now_us, r->process};
	freeze_apply(d);
}

void diagnosis_pressure(struct diagnosis *d, const struct pressure *sample)
{
	pressure_add(&d->pressure, sample);
}
