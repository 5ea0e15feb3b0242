/* SPDX-License-Identifier: MIT */
/* Which segments everything seen accuses and acquits; see evidence.h. */
#include "diagnosis/evidence.h"

#include <errno.h>
#include <stdlib.h>

#include "plugin.h"
#include "tbl/reason.h"

/* The far side of the edge said something, so what is before the edge carried it. */
static bool answered(const struct leg_end *end)
{
	return end->reason == T3OPS_R_REFUSED || end->reason == T3OPS_R_RESET || end->reason == T3OPS_R_TLS;
}

void evidence_of_leg(const struct leg *leg, enum leg_part *accused, enum leg_part *acquitted,
                     bool *resolver_acquitted)
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

enum user_part evidence_of_drop(unsigned reason)
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

static void add_failing_leg(struct observations *f, struct leg *leg, struct topology *t)
{
	struct observation *row = &f->rows[f->n];
	enum leg_part accused, acquitted;
	struct tomo_path resolver;
	bool resolver_ok;

	*row = (struct observation){.leg = leg};
	evidence_of_leg(leg, &accused, &acquitted, &resolver_ok);
	topology_leg_path(t, leg->def, leg->user, accused, &row->accused);
	topology_leg_path(t, leg->def, leg->user, acquitted, &row->acquitted);
	if (resolver_ok) {
		topology_leg_path(t, leg->def, leg->user, PART_RESOLVER, &resolver);
		tomo_path_join(&row->acquitted, &resolver);
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
	if (leg->resolver == RESOLVER_WORKS) {
		topology_leg_path(t, leg->def, leg->user, PART_RESOLVER, &resolver);
		tomo_path_join(&row->acquitted, &resolver);
	}
}

static void add_drop(struct observations *f, const struct drop *d, struct topology *t)
{
	struct observation *row = &f->rows[f->n];

	*row = (struct observation){.drop = d};
	topology_user_path(t, d->user, evidence_of_drop(d->reason), &row->accused);
	f->n += row->accused.n > 0;
}

static void add_live_tunnel(struct observations *f, const struct live_tunnel *w, struct topology *t)
{
	struct observation *row = &f->rows[f->n++];

	*row = (struct observation){.live_tunnel = w};
	topology_user_path(t, w->user, w->serve ? USER_ALL : USER_TO_DISPATCH, &row->acquitted);
}

int observations_init(struct observations *f, const struct incident *in, const struct probe_table *legs,
                      struct topology *t)
{
	*f = (struct observations){.n = 0};
	f->rows = calloc(2 * legs->n + in->n_drops + in->n_live_tunnels + 1, sizeof *f->rows);
	if (f->rows == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < legs->n; i++) {
		if (leg_fails(legs->rows[i]))
			add_failing_leg(f, legs->rows[i], t);
		if (legs->rows[i]->resolver_testimony == LEG_FAILED)
			add_failing_resolver(f, legs->rows[i], t);
	}
	for (size_t i = 0; i < in->n_drops; i++)
		add_drop(f, &in->drops[i], t);
	f->n_failing = f->n;
	for (size_t i = 0; i < legs->n; i++)
		if (legs->rows[i]->alive && !leg_fails(legs->rows[i]))
			add_working_leg(f, legs->rows[i], t);
	for (size_t i = 0; i < in->n_live_tunnels; i++)
		add_live_tunnel(f, &in->live_tunnels[i], t);
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

const struct leg_end *observation_end(const struct observation *f)
{
	return f->leg->attempted ? &f->leg->latest : &f->leg->first;
}
