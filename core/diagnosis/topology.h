/* SPDX-License-Identifier: MIT */
/*
 * What the configuration says about paths: the segments of a user's connection, the segments of every
 * leg, which of them every user has of their own.  Turns a name and a user into a path of interned
 * segments ("wan", "serve(alice)"), so that tomography compares pointers.  Monitor process; no I/O.
 */
#ifndef T3OPS_DIAGNOSIS_TOPOLOGY_H
#define T3OPS_DIAGNOSIS_TOPOLOGY_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "diagnosis/tomography.h"

struct topology;

/* A leg section of the configuration; a per-user one stands for one leg a user. */
struct leg_def {
	const char *name;
	struct tomo_path segments; /* names as configured, without users */
	struct tomo_path resolver; /* segments that its lookups cross; never empty: "dns" by default */
	size_t edge;               /* index of the segment that ends TCP and TLS */
	bool looks_up;             /* resolver_segments was given */
	bool per_user;
};

enum leg_part {
	PART_NONE,
	PART_ALL,
	PART_TO_EDGE,     /* up to the edge, edge included */
	PART_BEFORE_EDGE, /* up to the edge, without it */
	PART_FROM_EDGE,   /* from the edge on, edge included */
	PART_AFTER_EDGE,  /* what follows the edge; the edge itself if nothing does */
	PART_RESOLVER,
};

enum user_part {
	USER_NONE,
	USER_ALL,
	USER_TO_DISPATCH, /* without the last segment, the instance */
	USER_SERVE,       /* the last segment alone */
};

/* From the monitor's config; a missing member counts as empty.  NULL without memory. */
struct topology *topology_new(const json_t *config);
void topology_free(struct topology *t);

/* NULL if no such leg is configured. */
const struct leg_def *topology_leg(const struct topology *t, const char *name);
size_t topology_n_legs(const struct topology *t);
const struct leg_def *topology_leg_at(const struct topology *t, size_t i);

/* Writes the part of the leg's path; user counts for per-user segments of a per-user leg. */
void topology_leg_path(struct topology *t, const struct leg_def *leg, const char *user, enum leg_part part,
                       struct tomo_path *out);
void topology_user_path(struct topology *t, const char *user, enum user_part part, struct tomo_path *out);

/* The user's own network: first segment of the user path, if every user has it of their own. */
bool topology_is_last_mile(const struct topology *t, const char *segment);
/* The instance: last segment of the user path. */
bool topology_is_serve(const struct topology *t, const char *segment);

/* "serve(alice)" -> "serve"; what has no user is copied. */
void segment_base(const char *segment, char *out, size_t size);

#endif
