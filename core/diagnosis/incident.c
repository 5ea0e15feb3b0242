/* SPDX-License-Identifier: MIT */
/* From the first drop to the verdict: what opens, feeds and closes an incident; see incident.h. */
#include "diagnosis/incident.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conf/resolved_config.h"
#include "diagnosis/incident_state.h"

static uint64_t ping_timeout_of(const json_t *config)
{
	const json_t *value = json_object_get(json_object_get(config, "core"), "ping_timeout");

	return json_is_integer(value) ? (uint64_t)json_integer_value(value) : 2000000;
}

struct incidents *incidents_new(const json_t *config, uint64_t next_id, const struct incident_actions *actions,
                                void *arg)
{
	struct incidents *i = calloc(1, sizeof *i);

	if (i == NULL)
		return NULL;
	i->topology = topology_new(config);
	if (i->topology == NULL) {
		free(i);
		return NULL;
	}
	i->ping_timeout_us = ping_timeout_of(config);
	i->next_id = next_id > 0 ? next_id : 1;
	i->actions = actions;
	i->arg = arg;
	return i;
}

void incidents_free(struct incidents *i)
{
	if (i == NULL)
		return;
	probe_table_fini(&i->legs);
	topology_free(i->topology);
	free(i);
}

const struct probe_table *incidents_legs(const struct incidents *i)
{
	return &i->legs;
}

uint64_t incidents_open(const struct incidents *i)
{
	return i->now.id;
}

/* A freeze counts if it overlaps the time from shortly before the first drop. */
static void lag_apply(struct incidents *i)
{
	struct incident *in = &i->now;

	if (in->id == 0 || i->lag.us <= in->frozen_us || i->lag.end_us + INCIDENT_LOOKBACK_US < in->first_us)
		return;
	in->frozen_us = i->lag.us;
	event_set(in->frozen_process, i->lag.process);
}

/* Joins the open incident, or opens one and asks what works now. */
static void incident_join(struct incidents *i, const struct event *e, uint64_t now_us)
{
	struct incident *in = &i->now;

	if (in->id == 0) {
		*in = (struct incident){.id = i->next_id++, .opened_us = now_us, .first_us = now_us};
		in->first_wall_us = e->time_us;
		if (e->mono_us > 0 && e->mono_us < now_us)
			in->first_us = e->mono_us;
		lag_apply(i);
		i->actions->probe(i->arg, in->id, in->first_us);
	}
	in->last_us = now_us;
}

static void leg_fail(struct incidents *i, struct leg *leg, const struct event *e, uint64_t now_us)
{
	uint64_t fault = leg->fault;

	incident_join(i, e, now_us);
	if (leg->failed_id != i->now.id) {
		leg->failed_id = i->now.id;
		leg->first = (struct leg_end){0};
		leg->latest = (struct leg_end){0};
		leg->attempted = false;
	}
	leg->recovered = false;
	leg->fault = fault;
}

/* The leg works: it is no evidence of a fault any more. */
static void leg_works(struct incidents *i, struct leg *leg, const struct event *e)
{
	if (leg->state != LEG_IS_UP)
		leg->since_us = e->time_us;
	leg->state = LEG_IS_UP;
	leg->walled = false;
	if (e->rtt_us > 0)
		leg->rtt_us = e->rtt_us;
	leg->fault = 0;
	if (leg->failed_id != 0 && leg->failed_id == i->now.id)
		leg->recovered = true;
	else
		leg->failed_id = 0;
	if (i->now.id != 0 && e->id == i->now.id)
		leg->alive_id = e->id;
}

static void leg_late(struct incidents *i, struct leg *leg, const struct event *e, uint64_t now_us)
{
	if (leg->state == LEG_IS_DOWN || leg->state == LEG_IS_LATE)
		return;
	leg->state = LEG_IS_LATE;
	leg->since_us = e->time_us;
	if (leg->failed_id == 0 || leg->failed_id != i->now.id)
		leg_fail(i, leg, e, now_us);
	leg->recovered = false;
}

static void leg_down(struct incidents *i, struct leg *leg, const struct event *e, uint64_t now_us)
{
	bool worked = leg->state == LEG_IS_UP || leg->state == LEG_IS_LATE;
	enum end_side side = reason_side(e->reason);

	leg->last = (struct leg_end){e->step != 0 ? e->step : T3OPS_STEP_OPEN, e->reason, e->code};
	leg->since_us = e->time_us;
	leg->state = side == SIDE_NOBODY ? LEG_IS_UNKNOWN : LEG_IS_DOWN;
	if (side == SIDE_NOBODY)
		leg->failed_id = leg->fault = 0;
	if (side == SIDE_CONFIG && !leg->walled) {
		leg->walled = true;
		i->actions->walled_off(i->arg, leg->def->name);
	}
	if (side == SIDE_NOBODY || side == SIDE_CONFIG || !worked)
		return;
	leg_fail(i, leg, e, now_us);
	leg->first = leg->last;
}

static void leg_attempt(struct incidents *i, struct leg *leg, const struct event *e)
{
	if (leg->state != LEG_IS_DOWN)
		leg->since_us = e->time_us;
	leg->state = LEG_IS_DOWN;
	leg->last = (struct leg_end){e->step, e->reason, e->code};
	if (i->now.id != 0 && e->id == i->now.id)
		leg->reported_id = e->id;
	if (reason_side(e->reason) == SIDE_CONFIG) {
		if (!leg->walled)
			i->actions->walled_off(i->arg, leg->def->name);
		leg->walled = true;
	}
	if (i->now.id != 0 && leg->failed_id == i->now.id) {
		leg->latest = leg->last;
		leg->attempted = true;
	}
}

static void leg_resolver(struct incidents *i, struct leg *leg, const struct event *e, uint64_t now_us)
{
	bool ok = reason_side(e->reason) == SIDE_NOBODY;

	if (ok) {
		leg->resolver_ok = true;
		leg->resolver_failed = false;
		leg->resolver_fault = 0;
		if (leg->resolver_failed_id != i->now.id)
			leg->resolver_failed_id = 0;
		return;
	}
	if (leg->resolver_ok && !leg->resolver_failed) {
		incident_join(i, e, now_us);
		leg->resolver_failed_id = i->now.id;
	}
	leg->resolver_failed = true;
}

static void on_leg(struct incidents *i, const struct event *e, uint64_t now_us)
{
	struct leg *leg = probe_table_get(&i->legs, i->topology, e->plugin, e->user);

	if (leg == NULL)
		return;
	switch (e->kind) {
	case EVENT_LEG_UP:
	case EVENT_LEG_ALIVE:
		leg_works(i, leg, e);
		break;
	case EVENT_LEG_LATE:
		leg_late(i, leg, e, now_us);
		break;
	case EVENT_LEG_DOWN:
		leg_down(i, leg, e, now_us);
		break;
	case EVENT_LEG_ATTEMPT:
		leg_attempt(i, leg, e);
		break;
	case EVENT_LEG_RESOLVER:
		leg_resolver(i, leg, e, now_us);
		break;
	case EVENT_LEG_GONE:
		probe_table_remove(&i->legs, leg);
		break;
	default:
		break;
	}
}

static uint64_t quiet_of(const struct event *e)
{
	switch (reason_side(e->reason)) {
	case SIDE_CLIENT:
		return e->idle_client_us;
	case SIDE_SERVE:
		return e->idle_upstream_us;
	default:
		return e->idle_client_us > e->idle_upstream_us ? e->idle_client_us : e->idle_upstream_us;
	}
}

static struct drop *drop_of(struct incident *in, const char *user)
{
	for (size_t n = 0; n < in->n_drops; n++)
		if (strcmp(in->drops[n].user, user) == 0)
			return &in->drops[n];
	return NULL;
}

static void on_tunnel_drop(struct incidents *i, const struct event *e, uint64_t now_us)
{
	struct incident *in = &i->now;
	struct drop *d;

	if (classify_drop(e->reason) == USER_NONE)
		return;
	incident_join(i, e, now_us);
	d = drop_of(in, e->user);
	if (d == NULL && in->n_drops < INCIDENT_USERS) {
		uint64_t at = e->mono_us > 0 ? e->mono_us : now_us, quiet = quiet_of(e);

		d = &in->drops[in->n_drops++];
		*d = (struct drop){.reason = e->reason, .code = e->code, .quiet_us = quiet};
		d->received_us = at > quiet ? at - quiet : 0;
		d->opened_us = e->age_us > 0 && at > e->age_us ? at - e->age_us : 0;
		event_set(d->user, e->user);
		event_set(d->address, e->address);
		event_set(d->colo, e->colo);
	}
	if (d != NULL)
		d->tunnels++;
}

static void on_tunnel_open(struct incidents *i, const struct event *e)
{
	struct drop *d = i->now.id != 0 ? drop_of(&i->now, e->user) : NULL;

	faults_user_back(&i->faults, e->user);
	if (d == NULL)
		return;
	d->returned = true;
	d->moved = d->address[0] != '\0' && e->address[0] != '\0' && strcmp(d->address, e->address) != 0;
	d->other_colo = d->colo[0] != '\0' && e->colo[0] != '\0' && strcmp(d->colo, e->colo) != 0;
}

static void on_tunnel_alive(struct incidents *i, const struct event *e)
{
	struct incident *in = &i->now;
	struct tunnel_alive *w;

	if (in->id == 0 || e->id != in->id || in->n_alive_tunnels == INCIDENT_USERS)
		return;
	w = &in->alive_tunnels[in->n_alive_tunnels++];
	event_set(w->user, e->user);
	w->serve = e->idle_upstream_us > 0 ? e->mono_us > in->first_us + e->idle_upstream_us : e->bytes_down > 0;
}

static void on_lag(struct incidents *i, const struct event *e, uint64_t now_us)
{
	if (e->process != PROCESS_PROXY && e->process != PROCESS_PROBER && e->process != PROCESS_MONITOR)
		return;
	i->lag.us = e->age_us;
	i->lag.end_us = e->mono_us > 0 ? e->mono_us : now_us;
	event_set(i->lag.process, process_name(e->process));
	lag_apply(i);
}

void incidents_event(struct incidents *i, const struct event *e, uint64_t now_us)
{
	switch (e->kind) {
	case EVENT_LEG_UP:
	case EVENT_LEG_LATE:
	case EVENT_LEG_DOWN:
	case EVENT_LEG_ATTEMPT:
	case EVENT_LEG_ALIVE:
	case EVENT_LEG_RESOLVER:
	case EVENT_LEG_GONE:
		on_leg(i, e, now_us);
		break;
	case EVENT_TUNNEL_DROP:
		on_tunnel_drop(i, e, now_us);
		break;
	case EVENT_TUNNEL_OPEN:
		on_tunnel_open(i, e);
		break;
	case EVENT_TUNNEL_ALIVE:
		on_tunnel_alive(i, e);
		break;
	case EVENT_LOOP_LAG:
		on_lag(i, e, now_us);
		break;
	default:
		return;
	}
	faults_heal(i, now_us);
}

void incidents_process(struct incidents *i, const struct msg_process *process, uint64_t now_us)
{
	bool new_one = process->state == PROCESS_READY && process->serial != i->prober_serial;
	bool gone = process->state == PROCESS_DEAD && process->serial == i->prober_serial;

	(void)now_us;
	if (process->process != PROCESS_PROBER || !(new_one || gone))
		return;
	if (new_one && i->prober_serial == 0) { /* its first events may have come before */
		i->prober_serial = process->serial;
		return;
	}
	if (new_one)
		i->prober_serial = process->serial;
	for (size_t n = 0; n < i->legs.n; n++) {
		struct leg *leg = i->legs.rows[n];

		leg->state = LEG_IS_UNKNOWN;
		leg->resolver_ok = leg->resolver_failed = false;
	}
}

void incidents_pressure(struct incidents *i, const struct pressure *sample)
{
	pressure_add(&i->pressure, sample);
}

/* Whether nothing more is to come of this leg. */
static bool leg_reported(const struct leg *leg, uint64_t id)
{
	if (leg->state == LEG_IS_UNKNOWN)
		return true;
	if (leg->failed_id == id)
		return leg->attempted || leg->recovered || (leg->walled && leg->state == LEG_IS_DOWN);
	return leg->alive_id == id || leg->reported_id == id || leg->state == LEG_IS_DOWN;
}

/* When the incident may be closed as things are now. */
static uint64_t close_time(const struct incidents *i)
{
	const struct incident *in = &i->now;
	uint64_t deadline = in->opened_us + i->ping_timeout_us + INCIDENT_GRACE_US;
	uint64_t at = in->last_us + INCIDENT_SETTLE_US;
	bool legs_fail = false;

	for (size_t n = 0; n < i->legs.n; n++) {
		const struct leg *leg = i->legs.rows[n];

		if (!leg_reported(leg, in->id))
			return deadline;
		legs_fail = legs_fail || leg_fails_in(leg, in->id) || leg->resolver_failed_id == in->id;
	}
	if (!legs_fail && in->n_drops > 0 && at < in->opened_us + INCIDENT_TUNNEL_ALIVE_US)
		at = in->opened_us + INCIDENT_TUNNEL_ALIVE_US;
	return at < deadline ? at : deadline;
}

uint64_t incidents_tick(struct incidents *i, uint64_t now_us)
{
	uint64_t at;

	faults_expire(&i->faults, now_us);
	if (i->now.id == 0)
		return UINT64_MAX;
	at = close_time(i);
	if (now_us < at)
		return at;
	incident_close(i, now_us);
	return UINT64_MAX;
}
