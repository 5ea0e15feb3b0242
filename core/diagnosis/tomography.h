/* SPDX-License-Identifier: MIT */
/*
 * The verdict: boolean network tomography over named segments.  Pure functions; no clock, no socket, no name that
 * means anything here.
 *
 *   suspects = (intersection of the failing paths) minus (what was proven to work after they began to fail)
 *
 * Where several independent faults make that intersection empty, the failing paths are split into the fewest groups
 * (greedily, in the order given) that each keep a suspect; every group is a verdict of its own.  A group whose every
 * segment is acquitted has no suspects: "unknown".
 */
#ifndef T3OPS_DIAGNOSIS_TOMOGRAPHY_H
#define T3OPS_DIAGNOSIS_TOMOGRAPHY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Segments of one path: those of a leg and those of its resolver; topology.h refuses a config with more. */
#define TOMO_PATH_MAX 64

/* A set of segments in path order; names are interned by the caller and compared by pointer. */
struct tomo_path {
	const char *segments[TOMO_PATH_MAX];
	size_t n;
};

/* Who proved something: what one kind cannot acquit, another may. */
#define TOMO_BY_LEG      1u  /* an established leg */
#define TOMO_BY_USER     2u  /* an established tunnel */
#define TOMO_BY_FRESH    4u  /* a connection that was made then */
#define TOMO_BY_LARGE    8u  /* a large message */
#define TOMO_BY_ANSWERED 16u /* a tunnel whose page got answers: its heartbeats alone prove the way up only */
#define TOMO_BY_OPENED   32u /* a tunnel that was opened then: of new connections alone */
/* Of a location, by a tunnel that may not have lived through the failure: for legs, which say themselves when they
 * are back. */
#define TOMO_BY_BACK          64u  /* as BY_USER */
#define TOMO_BY_BACK_ANSWERED 128u /* as BY_ANSWERED */
#define TOMO_BY_STEADY        256u /* a tunnel that was heard all the time since before anything failed */
#define TOMO_BY_ALL           (TOMO_BY_LEG | TOMO_BY_USER | TOMO_BY_FRESH | TOMO_BY_ANSWERED)
#define TOMO_KINDS            9

struct tomo_failure {
	struct tomo_path path;
	uint64_t began_us; /* only what was proven later acquits */
	unsigned by;       /* proofs that count against it: TOMO_BY_* */
};

struct tomo_proof {
	const struct tomo_path *path;
	uint64_t proven_us;
	unsigned by; /* what kinds of proof it is: TOMO_BY_* */
};

struct tomo_group {
	struct tomo_path suspects; /* in the order of the group's first failing path */
	size_t failing;            /* how many failing paths it explains */
	size_t first;              /* index of the first of them */
};

/* groups: room for n_failures of them; member: of each failure, the index of its group.  Returns the number of groups
 * (0 only if n_failures is 0).  The failures that keep no suspect at all share one group, the last; then *unknown is
 * its index, else SIZE_MAX.  -ENOMEM. */
int tomo_solve(const struct tomo_failure *failures, size_t n_failures, const struct tomo_proof *proofs,
               size_t n_proofs, struct tomo_group *groups, size_t *member, size_t *unknown);

/* Keeps of *p what `other` has too. */
void tomo_path_intersect(struct tomo_path *p, const struct tomo_path *other);
/* Adds to *p what it does not have of `other`, as far as there is room. */
void tomo_path_join(struct tomo_path *p, const struct tomo_path *other);
/* Removes from *p what `other` has. */
void tomo_path_subtract(struct tomo_path *p, const struct tomo_path *other);
bool tomo_path_has(const struct tomo_path *p, const char *segment);
bool tomo_path_equal(const struct tomo_path *a, const struct tomo_path *b);
/* Ignores a repeat.  There has to be room. */
void tomo_path_add(struct tomo_path *p, const char *segment);
/* The same, as the first one. */
void tomo_path_prepend(struct tomo_path *p, const char *segment);
/* Whether they share a segment; *shared, if not NULL, becomes what they share, in the order of a. */
bool tomo_paths_meet(const struct tomo_path *a, const struct tomo_path *b, struct tomo_path *shared);

#endif
