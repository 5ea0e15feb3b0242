/* SPDX-License-Identifier: MIT */
/* Boolean network tomography: who is left when the failing paths accuse and the working ones acquit.
 * Pure functions, any process. */
#include "diagnosis/tomography.h"

#include <assert.h>

bool tomo_path_has(const struct tomo_path *p, const char *segment)
{
	for (size_t i = 0; i < p->n; i++)
		if (p->segments[i] == segment)
			return true;
	return false;
}

void tomo_path_add(struct tomo_path *p, const char *segment)
{
	if (tomo_path_has(p, segment))
		return;
	assert(p->n < TOMO_PATH_MAX);
	p->segments[p->n++] = segment;
}

void tomo_path_join(struct tomo_path *p, const struct tomo_path *other)
{
	for (size_t i = 0; i < other->n; i++)
		tomo_path_add(p, other->segments[i]);
}

void tomo_path_intersect(struct tomo_path *p, const struct tomo_path *other)
{
	size_t kept = 0;

	for (size_t i = 0; i < p->n; i++)
		if (tomo_path_has(other, p->segments[i]))
			p->segments[kept++] = p->segments[i];
	p->n = kept;
}

bool tomo_paths_meet(const struct tomo_path *a, const struct tomo_path *b, struct tomo_path *shared)
{
	struct tomo_path both = *a;

	tomo_path_intersect(&both, b);
	if (shared != NULL)
		*shared = both;
	return both.n > 0;
}

static bool acquitted(const char *segment, const struct tomo_path *working, size_t n_working)
{
	for (size_t i = 0; i < n_working; i++)
		if (tomo_path_has(&working[i], segment))
			return true;
	return false;
}

/* What is left of a failing path. */
static void residue(const struct tomo_path *failing, const struct tomo_path *working, size_t n_working,
                    struct tomo_path *out)
{
	out->n = 0;
	for (size_t i = 0; i < failing->n; i++)
		if (!acquitted(failing->segments[i], working, n_working))
			tomo_path_add(out, failing->segments[i]);
}

/* Joins the first group that keeps a suspect with it; a path without residue joins nobody. */
static bool group_join(struct tomo_group *groups, size_t n, const struct tomo_path *left)
{
	for (size_t i = 0; i < n; i++) {
		struct tomo_path common = groups[i].suspects;

		tomo_path_intersect(&common, left);
		if (common.n == 0)
			continue;
		groups[i].suspects = common;
		groups[i].failing++;
		return true;
	}
	return false;
}

size_t tomo_solve(const struct tomo_path *failing, size_t n_failing, const struct tomo_path *working,
                  size_t n_working, struct tomo_group *groups)
{
	struct tomo_group unknown = {.failing = 0};
	size_t n = 0;

	for (size_t i = 0; i < n_failing; i++) {
		struct tomo_path left;

		residue(&failing[i], working, n_working, &left);
		if (left.n == 0) {
			if (unknown.failing++ == 0)
				unknown.first = i;
		} else if (!group_join(groups, n, &left)) {
			groups[n++] = (struct tomo_group){.suspects = left, .failing = 1, .first = i};
		}
	}
	if (unknown.failing > 0)
		groups[n++] = unknown;
	return n;
}
