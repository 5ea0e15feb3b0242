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

/* Segments of one path: those of a leg and those of its resolver; topology.h refuses a config with more. */
#define TOMO_PATH_MAX 64

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

/* failing: accused; working: acquitted; groups: room for n_failing of them.  Returns the number of groups
 * (0 only if n_failing is 0).  The failing paths that keep no suspect at all share one group, the last. */
size_t tomo_solve(const struct tomo_path *failing, size_t n_failing, const struct tomo_path *working,
                  size_t n_working, struct tomo_group *groups);

/* Keeps of *p what `other` has too. */
void tomo_path_intersect(struct tomo_path *p, const struct tomo_path *other);
/* Adds to *p what it does not have of `other`. */
void tomo_path_join(struct tomo_path *p, const struct tomo_path *other);
bool tomo_path_has(const struct tomo_path *p, const char *segment);
/* Ignores a repeat.  There has to be room. */
void tomo_path_add(struct tomo_path *p, const char *segment);
/* Whether they share a segment; *shared, if not NULL, becomes what they share, in the order of a. */
bool tomo_paths_meet(const struct tomo_path *a, const struct tomo_path *b, struct tomo_path *shared);

#endif
