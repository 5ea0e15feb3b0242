/* SPDX-License-Identifier: MIT */
/*
 * Which segments a verdict cannot tell apart, worked out before anything fails: for each segment and each way to
 * fail, what the legs would see, and what evidence.c and tomography would make of it.  Users add nothing to that
 * here, for they may be asleep; but a segment that no leg crosses is left to their drops.  Pure.
 */
#ifndef T3OPS_DIAGNOSIS_IDENTIFIABILITY_H
#define T3OPS_DIAGNOSIS_IDENTIFIABILITY_H

#include "diagnosis/topology.h"

/* How a segment fails: bits. */
#define FAULT_LOUD    1u /* it says so, or the one before it does: refused, reset, an error status */
#define FAULT_SILENT  2u /* it takes everything and answers nothing: a black hole, a hang */
#define FAULT_BRIEF   4u /* it cut what was established, and was over before a leg connected again */
#define FAULT_LARGE   8u /* it loses large messages, and nothing else */
#define FAULT_CLASSES 4

/* A verdict that names all of these, in the order of a path. */
struct inseparable {
	struct tomo_path segments; /* at least two */
	unsigned classes;          /* of the faults that end in it */
};

struct identifiability {
	struct inseparable *rows;
	size_t n;
	size_t n_segments; /* of the config altogether */
	unsigned played;   /* classes: FAULT_LARGE only if a leg sends large messages */
	unsigned classes;  /* that have a row */
};

/* 0 or a negative errno, as of topology_new.  The names in it live as long as *t, which is made here. */
int identifiability_find(const struct path_shape *shape, struct topology **t, struct identifiability *out);
void identifiability_fini(struct identifiability *i);

#endif
