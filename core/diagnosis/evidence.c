/* SPDX-License-Identifier: MIT */
/* Which segments everything seen accuses and acquits; see evidence.h. */
#include "diagnosis/evidence.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

bool leg_fails_in(const struct leg *leg, uint64_t id)
{
	return leg->failed_id == id && !(leg->first.step == 0 && leg->recovered);
}

/* The far side of the edge said something, so what is before the edge carried it. */
static bool answered(const struct leg_end *end)
{
	return end->reason == T3OPS_R_REFUSED || end->reason == T3OPS_R_RESET || end->reason == T3OPS_R_TLS;
}

void classify_leg(const struct leg *leg, enum leg_part *accused, enum leg_part *acquitted, bool *resolver_acquitted)
{
	const struct leg_end *end = &leg->latest;

	*accused = PART_ALL;
	*acquitted = PART_NONE;
	*resolver_acquitted = false;
	if (!leg->attempted)
		return;
	if (reason_side(end->reason) == SIDE_CONFIG || reason_side(end->reason) == SIDE_NOBODY) {
		*accused = PART_NONE;
		return;
	}
	if (end->step == T3OPS_STEP_DNS || end->reason == T3OPS_R_DNS) {
		*accused = PART_RESOLVER;
		return;
	}
	*resolver_acquitted = leg->def->looks_up;
	switch (end->step) {
	case T3OPS_STEP_CONNECT:
	case T3OPS_STEP_TLS:
		*accused = PART_TO_EDGE;
		*acquitted = answered(end) ? PART_BEFORE_EDGE : PART_NONE;
		break;
	case T3OPS_STEP_HTTP:
		if (end->reason == T3OPS_R_HTTP_STATUS) {
			bool edge_last = leg->def->edge + 1 >= leg->def->segments.n;

			*accused = PART_AFTER_EDGE;
			*acquitted = edge_last ? PART_BEFORE_EDGE : PART_TO_EDGE;
		} else {
			*accused = PART_FROM_EDGE;
			*acquitted = PART_BEFORE_EDGE;
		}
		break;
	default:
		break;
	}
}

enum user_part classify_drop(unsigned reason)
{
	switch (reason_side(reason)) {
	case SIDE_SERVE:
		return USER_SERVE;
	case SIDE_CLIENT:
		return USER_TO_DISPATCH;
	case SIDE_PATH:
		return USER_ALL;
	default:
		return USER_NONE;
	}
}

static void path_join(struct tomo_path *p, const struct tomo_path *more)
{
	for (size_t i = 0; i < more->n; i++)
		tomo_path_add(p, more->segments[i]);
}

static void add_failing_leg(struct observations *f, struct leg *leg, struct topology *t)
{
	struct observation *row = &f->rows[f->n];
	enum leg_part accused, acquitted;
	struct tomo_path resolver;
	bool resolver_ok;

	*row = (struct observation){.leg = leg};
	classify_leg(leg, &accused, &acquitted, &resolver_ok);
	topology_leg_path(t, leg->def, leg->user, accused, &row->accused);
	topology_leg_path(t, leg->def, leg->user, acquitted, &row->acquitted);
	if (resolver_ok) {
		topology_leg_path(t, leg->def, leg->user, PART_RESOLVER, &resolver);
		path_join(&row->acquitted, &resolver);
	}
	f->n += row->accused.n > 0;
}

static void add_failing_resolver(struct observations *f, struct leg *leg, struct topology *t)
{
	struct observation *row = &f->rows[f->n++];

	*row = (struct observation){.leg = leg, .resolver = true};
	topology_leg_path(t, leg->def, leg->user, PART_RESOLVER, &row->accused);
}

static void add_working_leg(struct observations *f, struct leg *leg, struct topology *t)
{
	struct observation *row = &f->rows[f->n++];
	struct tomo_path resolver;

	*row = (struct observation){.leg = leg};
	topology_leg_path(t, leg->def, leg->user, PART_ALL, &row->acquitted);
	if (leg->resolver_ok && !leg->resolver_failed) {
		topology_leg_path(t, leg->def, leg->user, PART_RESOLVER, &resolver);
		path_join(&row->acquitted, &resolver);
	}
}

static void add_drop(struct observations *f, const struct drop *d, struct topology *t)
{
	struct observation *row = &f->rows[f->n];

	*row = (struct observation){.drop = d};
	topology_user_path(t, d->user, classify_drop(d->reason), &row->accused);
	f->n += row->accused.n > 0;
}

static void add_alive_tunnel(struct observations *f, const struct tunnel_alive *w, struct topology *t)
{
	struct observation *row = &f->rows[f->n++];

	*row = (struct observation){.tunnel_alive = w};
	topology_user_path(t, w->user, w->serve ? USER_ALL : USER_TO_DISPATCH, &row->acquitted);
}

int observations_init(struct observations *f, const struct incident *in, const struct probe_table *legs,
                      struct topology *t)
{
	*f = (struct observations){.n = 0};
	f->rows = calloc(2 * legs->n + in->n_drops + in->n_alive_tunnels + 1, sizeof *f->rows);
	if (f->rows == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < legs->n; i++) {
		if (leg_fails_in(legs->rows[i], in->id))
			add_failing_leg(f, legs->rows[i], t);
		if (legs->rows[i]->resolver_failed_id == in->id)
			add_failing_resolver(f, legs->rows[i], t);
	}
	for (size_t i = 0; i < in->n_drops; i++)
		add_drop(f, &in->drops[i], t);
	f->n_failing = f->n;
	for (size_t i = 0; i < legs->n; i++)
		if (legs->rows[i]->alive_id == in->id && !leg_fails_in(legs->rows[i], in->id))
			add_working_leg(f, legs->rows[i], t);
	for (size_t i = 0; i < in->n_alive_tunnels; i++)
		add_alive_tunnel(f, &in->alive_tunnels[i], t);
	return 0;
}

void observations_fini(struct observations *f)
{
	free(f->rows);
	f->rows = NULL;
}

bool observation_supports(const struct observation *f, const struct tomo_path *suspects)
{
	for (size_t i = 0; i < suspects->n; i++)
		if (!tomo_path_has(&f->accused, suspects->segments[i]))
			return false;
	return true;
}

static json_t *path_json(const struct tomo_path *p)
{
	json_t *list = json_array();

	for (size_t i = 0; i < p->n; i++)
		json_array_append_new(list, json_string(p->segments[i]));
	return list;
}

static json_t *leg_observation_json(const struct observation *f, bool failing)
{
	const struct leg *leg = f->leg;
	const struct leg_end *end = leg->attempted ? &leg->latest : &leg->first;
	char label[128];
	json_t *o;

	leg_label(leg, label, sizeof label);
	o = json_pack("{s:s, s:s, s:b}", "what", f->resolver ? "resolver" : "leg", "name", label, "failed", failing);
	if (!failing) {
		json_object_set_new(o, "rtt_seconds", json_real((double)leg->rtt_us / 1e6));
	} else if (!f->resolver) {
		json_object_set_new(o, "reason", json_string(end->step == 0 ? "late" : reason_label(end->reason)));
		json_object_set_new(o, "step", json_string(end->step == 0 ? "open" : step_label(end->step)));
		if (end->code != 0)
			json_object_set_new(o, "code", json_integer(end->code));
		json_object_set_new(o, "works_again", json_boolean(leg->recovered));
	}
	return o;
}

static json_t *drop_json(const struct drop *d)
{
	return json_pack("{s:s, s:s, s:b, s:s, s:i, s:s, s:s, s:f, s:i, s:b, s:b, s:b}", "what", "tunnel", "name",
	                 d->user, "failed", 1, "reason", reason_label(d->reason), "code", (int)d->code, "address",
	                 d->address, "colo", d->colo, "silent_seconds", (double)d->quiet_us / 1e6, "tunnels",
	                 (int)d->tunnels, "returned", (int)d->returned, "other_address", (int)d->moved, "other_colo",
	                 (int)d->other_colo);
}

static json_t *observation_json(const struct observation *f, bool failing)
{
	json_t *o;

	if (f->leg != NULL)
		o = leg_observation_json(f, failing);
	else if (f->drop != NULL)
		o = drop_json(f->drop);
	else
		o = json_pack("{s:s, s:s, s:b}", "what", "tunnel", "name", f->tunnel_alive->user, "failed", 0);
	if (f->accused.n > 0)
		json_object_set_new(o, "accuses", path_json(&f->accused));
	if (f->acquitted.n > 0)
		json_object_set_new(o, "acquits", path_json(&f->acquitted));
	return o;
}

json_t *observations_json(const struct observations *f, const struct incident *in)
{
	json_t *list = json_array();
	const struct host_pressure *d = &in->host_pressure;

	for (size_t i = 0; i < f->n; i++)
		json_array_append_new(list, observation_json(&f->rows[i], i < f->n_failing));
	if (in->frozen_us > 0)
		json_array_append_new(list, json_pack("{s:s, s:s, s:f}", "what", "frozen", "name", in->frozen_process,
		                                      "seconds", (double)in->frozen_us / 1e6));
	if (d->known)
		json_array_append_new(list,
		                      json_pack("{s:s, s:f, s:f, s:f, s:I}", "what", "pressure", "memory", d->memory,
		                                "io", d->io, "cpu", d->cpu, "oom_kills", (json_int_t)d->oom_kills));
	return list;
}
