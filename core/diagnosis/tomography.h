/* SPDX-License-Identifier: MIT */
/*
 * The verdict: boolean network tomography over named segments.  Pure functions; no clock, no
 * socket, no name that means anything here.
 *
 *   suspects = (intersection of the failing paths) minus (union of the working paths)
 *
 * Where several independent faults make that intersection empty, the failing paths are split into
 * the fewest groups (greedily, in the order given) that each keep a suspect; every group is a
 * verdict of its own.  A group whose every segment is acquitted has no suspects: "unknown".
 */
#ifndef T3OPS_DIAGNOSIS_TOMOGRAPHY_H
#define T3OPS_DIAGNOSIS_TOMOGRAPHY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TOMO_PATH_MAX   24 /* segments on one path */
#define TOMO_GROUPS_MAX 16

/* A set of segments in path order; names are interned by the caller and compared by pointer. */
struct tomo_path {
	const char *segments[TOMO_PATH_MAX];
	size_t n;
};

struct tomo_group {
	struct tomo_path suspects; /* in the order of the group's first failing path */
	size_t failing;            /* how many failing paths it explains */
	size_t first;              /* index of the first of them */
};

/* failing: accused; working: acquitted.  Returns the number of groups (0 only if n_failing is 0).
 * The failing paths that keep no suspect at all share one group, the last.  Paths beyond the room for
 * groups are left out, so the sum of `failing` can be less than n_failing then. */
size_t tomo_solve(const struct tomo_path *failing, size_t n_failing, const struct tomo_path *working,
                  size_t n_working, struct tomo_group groups[TOMO_GROUPS_MAX]);

/* Sets of two or more segments of `all` that the same paths cross, so that no verdict can report them
 * apart; each is written as a path holding the set, in the order of `all`.  The segments that no path
 * crosses, even a single one, form the last set: its index goes to *uncrossed, SIZE_MAX if there is
 * none.  Returns the number written, at most max. */
size_t tomo_indistinguishable(const struct tomo_path *paths, size_t n, const struct tomo_path *all,
                              struct tomo_path *out, size_t max, size_t *uncrossed);

/* Keeps of *p what `other` has too. */
void tomo_path_intersect(struct tomo_path *p, const struct tomo_path *other);
bool tomo_path_has(const struct tomo_path *p, const char *segment);
void tomo_path_add(struct tomo_path *p, const char *segment); /* ignores a repeat and what is beyond the room */

#endif
