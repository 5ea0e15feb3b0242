/* SPDX-License-Identifier: MIT */
/* The legs of the prober by the name of their user, that of shared ones being "", so that with many users none looks
 * at all of them for one. */
#ifndef T3OPS_PROBER_LEG_INDEX_H
#define T3OPS_PROBER_LEG_INDEX_H

#include <stddef.h>

#include "prober/leg_state.h"

/* Zeroed is empty. */
struct leg_index {
	struct t3ops_leg **heads; /* chains of those with the same hash, by same_user */
	size_t size, n;
};

/* 0 or -ENOMEM. */
int leg_index_add(struct leg_index *x, struct t3ops_leg *leg);
void leg_index_remove(struct leg_index *x, struct t3ops_leg *leg);
/* The first leg of the user, and the next one; NULL: there is none. */
struct t3ops_leg *leg_index_first(const struct leg_index *x, const char *user);
struct t3ops_leg *leg_index_next(const struct t3ops_leg *leg);
void leg_index_fini(struct leg_index *x);

#endif
