/* SPDX-License-Identifier: MIT */
/* What is left of locations; see locations.h. */
#include "diagnosis/locations.h"

#include "diagnosis/hurts.h"

bool locations_suspected(const struct topology *t, const struct tomo_path *suspects, const char **colo)
{
	for (size_t i = 0; i < suspects->n; i++)
		if (topology_is_location(t, suspects->segments[i], colo))
			return true;
	return false;
}

/* All of the segment is a suspect: its instances go without saying. */
static void instances_fold(const struct classification *j, struct tomo_path *p)
{
	struct tomo_path folded = {.n = 0};
	const char *colo;

	for (size_t i = 0; i < p->n; i++) {
		const char *shared = topology_shared_name(j->in->topology, p->segments[i]);

		if (shared != NULL && topology_is_location(j->in->topology, p->segments[i], &colo) &&
		    tomo_path_has(p, shared))
			tomo_path_add(&folded, p->segments[i]);
	}
	tomo_path_subtract(p, &folded);
}

/* Whether nothing is left but locations and last miles. */
static bool is_of_locations(const struct classification *j, const struct tomo_path *p)
{
	size_t locations = 0, own = 0;
	const char *colo;

	for (size_t i = 0; i < p->n; i++) {
		locations += topology_is_location(j->in->topology, p->segments[i], &colo);
		own += topology_is_last_mile(j->in->topology, p->segments[i]);
	}
	return locations > 0 && locations + own == p->n;
}

/* Whether two legs reach their edges by ways of which nothing is shared. */
static bool ways_differ(const struct classification *j, const struct leg *a, const struct leg *b)
{
	struct tomo_path way_a, way_b;

	topology_leg_path(j->in->topology, a->def, a->user, PART_BEFORE_EDGE, &way_a);
	topology_leg_path(j->in->topology, b->def, b->user, PART_BEFORE_EDGE, &way_b);
	return way_a.n > 0 && way_b.n > 0 && !tomo_paths_meet(&way_a, &way_b, NULL);
}

/* By how many ways the legs among the members go: 2 for more. */
static unsigned ways_count(const struct classification *j, size_t group)
{
	const struct leg *one = NULL;

	for (size_t k = 0; k < j->n_failures; k++) {
		const struct leg *leg = j->o.rows[j->index[k]].leg;

		if (j->member[k] != group || leg == NULL)
			continue;
		if (one != NULL && ways_differ(j, one, leg))
			return 2;
		one = leg;
	}
	return one != NULL;
}

static bool has_drops(const struct classification *j, size_t group)
{
	for (size_t k = 0; k < j->n_failures; k++)
		if (j->member[k] == group && j->o.rows[j->index[k]].drop != NULL)
			return true;
	return false;
}

/* What one leg alone cannot tell from its own way joins those without suspects. */
static void group_dissolve(struct classification *j, size_t group, size_t *n, size_t *unknown)
{
	if (*unknown >= *n) {
		*unknown = (*n)++;
		j->groups[*unknown] = (struct tomo_group){.first = j->groups[group].first};
	}
	for (size_t k = 0; k < j->n_failures; k++)
		if (j->member[k] == group)
			j->member[k] = *unknown;
	j->groups[*unknown].failing += j->groups[group].failing;
	j->groups[group] = (struct tomo_group){.failing = 0};
}

static void last_miles_remove(const struct classification *j, struct tomo_path *p)
{
	struct tomo_path own = {.n = 0};

	for (size_t i = 0; i < p->n; i++)
		if (topology_is_last_mile(j->in->topology, p->segments[i]))
			tomo_path_add(&own, p->segments[i]);
	tomo_path_subtract(p, &own);
}

/* A user who broke alone: the location, or what only that user crosses. */
static void alone_split(struct classification *j, size_t k, size_t *n)
{
	struct tomo_group *from = &j->groups[j->member[k]], *own;
	const struct observation *f = &j->o.rows[j->index[k]];

	if (from->failing > 1) {
		own = &j->groups[*n];
		*own = (struct tomo_group){.failing = 1, .first = k};
		own->suspects = from->suspects;
		from->failing--;
		j->member[k] = (*n)++;
	} else {
		own = from;
	}
	last_miles_remove(j, &own->suspects);
	for (size_t i = f->accused.n; i-- > 0;)
		if (topology_is_last_mile(j->in->topology, f->accused.segments[i]))
			tomo_path_prepend(&own->suspects, f->accused.segments[i]);
}

static void group_settle(struct classification *j, size_t group, size_t *n)
{
	for (size_t k = 0; k < j->n_failures; k++) {
		const struct drop *d = j->o.rows[j->index[k]].drop;

		if (j->member[k] == group && !hurts_have_another(j->in->hurts, d))
			alone_split(j, k, n);
		else if (j->member[k] == group)
			last_miles_remove(j, &j->groups[group].suspects);
	}
}

size_t locations_settle(struct classification *j, size_t n, size_t *unknown)
{
	size_t groups = n;

	for (size_t g = 0; g < groups; g++) {
		unsigned ways = ways_count(j, g);

		instances_fold(j, &j->groups[g].suspects);
		if (g == *unknown || j->groups[g].failing == 0 || !is_of_locations(j, &j->groups[g].suspects))
			continue;
		if (ways == 0)
			group_settle(j, g, &n);
		else if (ways == 1 && !has_drops(j, g))
			group_dissolve(j, g, &n, unknown);
	}
	return n;
}
