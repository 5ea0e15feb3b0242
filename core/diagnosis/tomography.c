/* SPDX-License-Identifier: MIT */
/* Boolean network tomography: who is left when the failing paths accuse and the working ones acquit; see
 * tomography.h. */
#include "diagnosis/tomography.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

bool tomo_path_has(const struct tomo_path *p, const char *segment)
{
	for (size_t i = 0; i < p->n; i++)
		if (p->segments[i] == segment)
			return true;
	return false;
}

bool tomo_path_equal(const struct tomo_path *a, const struct tomo_path *b)
{
	for (size_t i = 0; i < a->n; i++)
		if (!tomo_path_has(b, a->segments[i]))
			return false;
	return a->n == b->n;
}

void tomo_path_add(struct tomo_path *p, const char *segment)
{
	if (tomo_path_has(p, segment))
		return;
	assert(p->n < TOMO_PATH_MAX);
	p->segments[p->n++] = segment;
}

void tomo_path_prepend(struct tomo_path *p, const char *segment)
{
	struct tomo_path rest = *p;

	p->n = 0;
	tomo_path_add(p, segment);
	tomo_path_join(p, &rest);
}

void tomo_path_join(struct tomo_path *p, const struct tomo_path *other)
{
	for (size_t i = 0; i < other->n && p->n < TOMO_PATH_MAX; i++)
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

void tomo_path_subtract(struct tomo_path *p, const struct tomo_path *other)
{
	size_t kept = 0;

	for (size_t i = 0; i < p->n; i++)
		if (!tomo_path_has(other, p->segments[i]))
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

/* When each kind last proved a segment to work. */
struct proven {
	const char *segment;
	uint64_t by_us[TOMO_KINDS];
};

struct proven_table {
	struct proven *rows; /* by address */
	size_t n;
};

static int proven_compare(const void *a, const void *b)
{
	const char *l = ((const struct proven *)a)->segment, *r = ((const struct proven *)b)->segment;

	return l < r ? -1 : l > r;
}

static uint64_t later(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

/* One row a segment, from one a proof and segment. */
static void proven_merge(struct proven_table *t)
{
	size_t kept = 0;

	qsort(t->rows, t->n, sizeof *t->rows, proven_compare);
	for (size_t i = 0; i < t->n; i++) {
		struct proven *to = kept > 0 ? &t->rows[kept - 1] : NULL;

		if (to == NULL || to->segment != t->rows[i].segment) {
			t->rows[kept++] = t->rows[i];
			continue;
		}
		for (size_t k = 0; k < TOMO_KINDS; k++)
			to->by_us[k] = later(to->by_us[k], t->rows[i].by_us[k]);
	}
	t->n = kept;
}

static void proven_add(struct proven_table *t, const struct tomo_proof *p, const char *segment)
{
	struct proven *row = &t->rows[t->n++];

	*row = (struct proven){.segment = segment};
	for (size_t k = 0; k < TOMO_KINDS; k++)
		row->by_us[k] = p->by >> k & 1 ? p->proven_us : 0;
}

static int proven_init(struct proven_table *t, const struct tomo_proof *proofs, size_t n)
{
	size_t room = 1;

	for (size_t i = 0; i < n; i++)
		room += proofs[i].path->n;
	*t = (struct proven_table){.rows = calloc(room, sizeof *t->rows)};
	if (t->rows == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < proofs[i].path->n; k++)
			proven_add(t, &proofs[i], proofs[i].path->segments[k]);
	proven_merge(t);
	return 0;
}

static bool acquitted(const struct proven_table *t, const struct tomo_failure *f, const char *segment)
{
	struct proven key = {.segment = segment};
	const struct proven *row = t->n > 0 ? bsearch(&key, t->rows, t->n, sizeof key, proven_compare) : NULL;

	for (size_t k = 0; row != NULL && k < TOMO_KINDS; k++)
		if ((f->by >> k & 1) && row->by_us[k] > f->began_us)
			return true;
	return false;
}

/* What is left of a failing path. */
static void residue(const struct proven_table *t, const struct tomo_failure *f, struct tomo_path *out)
{
	out->n = 0;
	for (size_t i = 0; i < f->path.n; i++)
		if (!acquitted(t, f, f->path.segments[i]))
			tomo_path_add(out, f->path.segments[i]);
}

/* The first group that keeps a suspect with it, else a new one. */
static size_t group_join(struct tomo_group *groups, size_t n, const struct tomo_path *left, size_t first)
{
	for (size_t i = 0; i < n; i++) {
		struct tomo_path common;

		if (!tomo_paths_meet(&groups[i].suspects, left, &common))
			continue;
		groups[i].suspects = common;
		groups[i].failing++;
		return i;
	}
	groups[n] = (struct tomo_group){.suspects = *left, .failing = 1, .first = first};
	return n;
}

int tomo_solve(const struct tomo_failure *failures, size_t n_failures, const struct tomo_proof *proofs,
               size_t n_proofs, struct tomo_group *groups, size_t *member, size_t *unknown)
{
	struct tomo_group none = {.failing = 0};
	struct proven_table proven;
	size_t n = 0;

	*unknown = SIZE_MAX;
	if (proven_init(&proven, proofs, n_proofs) < 0)
		return -ENOMEM;
	for (size_t i = 0; i < n_failures; i++) {
		struct tomo_path left;

		residue(&proven, &failures[i], &left);
		member[i] = left.n > 0 ? group_join(groups, n, &left, i) : SIZE_MAX;
		if (left.n == 0 && none.failing++ == 0)
			none.first = i;
		n += left.n > 0 && member[i] == n;
	}
	free(proven.rows);
	if (none.failing == 0)
		return (int)n;
	for (size_t i = 0; i < n_failures; i++)
		member[i] = member[i] == SIZE_MAX ? n : member[i];
	*unknown = n;
	groups[n++] = none;
	return (int)n;
}
