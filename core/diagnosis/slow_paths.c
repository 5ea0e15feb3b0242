/* SPDX-License-Identifier: MIT */
/* Where it is slow; see slow_paths.h. */
#include "diagnosis/slow_paths.h"

#include <errno.h>
#include <stdlib.h>

#include "diagnosis/incident_timing.h"

void slow_paths_fini(struct slow_paths *s)
{
	user_set_fini(&s->users);
}

int slow_paths_user(struct slow_paths *s, const char *user, bool slow)
{
	if (slow)
		return user_set_add(&s->users, user);
	user_set_remove(&s->users, user);
	return 0;
}

/* Slow paths as failures, the others as proofs. */
struct view {
	struct tomo_failure *failures;
	struct tomo_path *paths;
	struct tomo_proof *proofs;
	struct tomo_group *groups;
	size_t *member;
	size_t n_failures, n_proofs;
};

static int view_init(struct view *v, size_t room)
{
	*v = (struct view){.failures = calloc(room, sizeof *v->failures),
	                   .paths = calloc(room, sizeof *v->paths),
	                   .proofs = calloc(room, sizeof *v->proofs),
	                   .groups = calloc(room, sizeof *v->groups),
	                   .member = calloc(room, sizeof *v->member)};
	return v->failures && v->paths && v->proofs && v->groups && v->member ? 0 : -ENOMEM;
}

static void view_fini(struct view *v)
{
	free(v->failures);
	free(v->paths);
	free(v->proofs);
	free(v->groups);
	free(v->member);
}

static void failure_add(struct view *v, const struct tomo_path *path)
{
	v->failures[v->n_failures++] = (struct tomo_failure){.path = *path, .by = TOMO_BY_ALL};
}

static void proof_add(struct view *v, const struct tomo_path *path)
{
	v->paths[v->n_proofs] = *path;
	v->proofs[v->n_proofs] = (struct tomo_proof){&v->paths[v->n_proofs], 1, TOMO_BY_LEG};
	v->n_proofs++;
}

static void leg_view(struct view *v, const struct leg *leg, struct topology *t)
{
	struct tomo_path path, resolver;

	topology_leg_path(t, leg->def, leg->user, PART_ALL, &path);
	topology_leg_path(t, leg->def, leg->user, PART_RESOLVER, &resolver);
	if (leg->slow.is)
		failure_add(v, &path);
	else if (leg->state == LEG_IS_UP && leg->slow.usual_us > 0)
		proof_add(v, &path);
	if (leg->lookups.is)
		failure_add(v, &resolver);
	else if (leg->resolver == RESOLVER_WORKS && leg->lookups.usual_us > 0)
		proof_add(v, &resolver);
}

static void view_fill(struct view *v, const struct slow_paths *s, const struct probe_table *legs, struct topology *t)
{
	for (size_t i = 0; i < legs->n; i++)
		leg_view(v, legs->rows[i], t);
	for (size_t i = 0; i < s->users.n; i++) {
		struct tomo_path path;

		topology_user_path(t, s->users.names[i], USER_ALL, &path);
		failure_add(v, &path);
	}
}

/* All suspects of all groups. */
static int where_is_it(struct view *v, struct tomo_path *out)
{
	size_t unknown;
	int n = tomo_solve(v->failures, v->n_failures, v->proofs, v->n_proofs, v->groups, v->member, &unknown);

	out->n = 0;
	for (int g = 0; g < n; g++)
		tomo_path_join(out, &v->groups[g].suspects);
	return n < 0 ? n : 0;
}

/* The slowest leg, or the slowest look-up. */
static void slowest_find(const struct probe_table *legs, struct slow_report *out)
{
	uint64_t latest = 0;

	for (size_t i = 0; i < legs->n; i++) {
		const struct leg *leg = legs->rows[i];

		if (leg->slow.is && leg->slow.latest_us > latest) {
			out->leg = leg;
			out->lookups = false;
			latest = leg->slow.latest_us;
		}
		if (leg->lookups.is && leg->lookups.latest_us > latest) {
			out->leg = leg;
			out->lookups = true;
			latest = leg->lookups.latest_us;
		}
	}
}

/* Whether that is worth a word: the beginning, the end, or, not too often, another place. */
static bool is_news(const struct slow_paths *s, bool is, const struct tomo_path *where, uint64_t now_us)
{
	if (is != s->is)
		return true;
	return is && !tomo_path_equal(where, &s->where) && now_us >= s->reported_us + SLOW_AGAIN_US;
}

int slow_paths_look(struct slow_paths *s, const struct probe_table *legs, struct topology *t, uint64_t now_us,
                    struct slow_report *out)
{
	struct tomo_path where = {.n = 0};
	struct view v;
	bool is;
	int r = view_init(&v, 2 * legs->n + s->users.n + 1);

	if (r == 0) {
		view_fill(&v, s, legs, t);
		r = where_is_it(&v, &where);
	}
	is = v.n_failures > 0;
	view_fini(&v);
	if (r < 0 || !is_news(s, is, &where, now_us))
		return r;
	if (is)
		s->where = where;
	s->is = is;
	s->reported_us = now_us;
	*out = (struct slow_report){.over = !is, .where = &s->where, .users = &s->users};
	slowest_find(legs, out);
	return 1;
}
