/* SPDX-License-Identifier: MIT */
/*
 * What the config says about paths: the segments of a user's connection, the segments of every leg, which
 * of them every user has of their own.  Turns a name and a user into a path of interned segments ("wan",
 * "serve(alice)"), so that tomography compares pointers.  Pure.
 */
#ifndef T3OPS_DIAGNOSIS_TOPOLOGY_H
#define T3OPS_DIAGNOSIS_TOPOLOGY_H

#include <stdbool.h>
#include <stddef.h>

#include "diagnosis/tomography.h"

#define TOPOLOGY_LIST_MAX (TOMO_PATH_MAX / 2) /* segments in one list of the config */

/* Names as the config lists them. */
struct name_list {
	const char *const *names;
	size_t n;
};

/* A leg section of the config, as it is read: nothing in it is kept. */
struct leg_shape {
	const char *name;
	struct name_list segments;
	struct name_list resolver_segments; /* those that its look-ups cross; empty: it looks nothing up */
	const char *edge;                   /* the segment that ends TCP and TLS; NULL: the first */
	bool per_user;
	bool large; /* it sends large messages, too */
};

/* All that the config says about paths. */
struct path_shape {
	struct name_list user_path;
	struct name_list per_user;
	const struct leg_shape *legs;
	size_t n_legs;
};

struct topology;

/* A leg section; a per-user one stands for one leg a user. */
struct leg_def {
	const char *name;
	struct tomo_path segments; /* names as configured, without users */
	struct tomo_path resolver; /* segments that its look-ups cross; never empty: "dns" by default */
	size_t edge;               /* index of the segment that ends TCP and TLS */
	bool has_edge;             /* it was given, so that what ends there is known */
	bool looks_up;             /* resolver_segments was given */
	bool per_user;
	bool large; /* it sends large messages, too */
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
	USER_TO_DISPATCH, /* without the last segment, the t3 server */
	USER_SERVE,       /* the last segment alone */
	USER_DISPATCH,    /* the last but one alone: t3ops */
	USER_SHARED,      /* without the first and the last, where every user has them of their own */
};

/* 0, -ENOMEM, or -E2BIG: a list has more than TOPOLOGY_LIST_MAX names; *which is then the leg, or "user_path". */
int topology_new(const struct path_shape *shape, struct topology **out, const char **which);
void topology_free(struct topology *t);

/* The same text has the same address as long as the topology lives.  NULL without memory. */
const char *topology_name(struct topology *t, const char *text);

/* NULL if no such leg is configured. */
const struct leg_def *topology_leg(const struct topology *t, const char *name);

/* Writes the part of the leg's path; user counts for per-user segments of a per-user leg. */
void topology_leg_path(struct topology *t, const struct leg_def *leg, const char *user, enum leg_part part,
                       struct tomo_path *out);
void topology_user_path(struct topology *t, const char *user, enum user_part part, struct tomo_path *out);

/*
 * Locations.  A segment that is a network with many entrances, as Cloudflare's edge, may be dead in one of them and
 * live in the others.  What comes over one of them crosses the segment, and its own instance of it besides:
 * "cloudflare" and "cloudflare(FRA)".  So what works over one location acquits what all share, and its own instance.
 */

/* The leg was answered over one of several locations of its edge segment. */
void topology_set_located(struct topology *t, const struct leg_def *leg);
/* The same, if an earlier diagnosis suspected that instance of it. */
void topology_recall_located(struct topology *t, const char *segment);
bool topology_is_located(const struct topology *t);
/* Those segments, for the next topology of the same config; and back: interned names. */
const struct tomo_path *topology_located(const struct topology *t);
void topology_restore_located(struct topology *t, const struct tomo_path *located);
/* Adds the instance of that location, if the path crosses such a segment; "": it is not known. */
void topology_locate(struct topology *t, const char *colo, struct tomo_path *p);
/* Whether it is such an instance; *colo becomes the location with its bracket: "FRA)". */
bool topology_is_location(const struct topology *t, const char *segment, const char **colo);

/* The user's own network: first segment of the user path, if every user has it of their own. */
bool topology_is_last_mile(const struct topology *t, const char *segment);

/* Whether a user's own network is a suspect, and a location besides: that explains no other user. */
bool topology_is_personal(const struct topology *t, const struct tomo_path *suspects);

/* "serve" of "serve(alice)", interned; NULL of a segment that no user has alone, and without memory. */
const char *topology_shared_name(struct topology *t, const char *segment);

/* Length of "serve" in "serve(alice)". */
size_t segment_base_len(const char *segment);

#endif
