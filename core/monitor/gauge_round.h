/* SPDX-License-Identifier: MIT */
/*
 * Gauges that are counted anew each round: what a round adds nothing to is 0 again, or shown no more.  Nobody sees
 * the middle of a round, for the process that counts renders.  Monitor process.
 */
#ifndef T3OPS_MONITOR_GAUGE_ROUND_H
#define T3OPS_MONITOR_GAUGE_ROUND_H

#include <stdbool.h>
#include <stddef.h>

#include "obs/metrics.h"

struct gauge_round {
	const struct t3ops_metric *family;
	bool hides;            /* what is 0 is not shown */
	struct series **shown; /* those that are 1 */
	size_t n, room;
};

void gauge_round_fini(struct gauge_round *g);
void gauge_round_begin(struct gauge_round *g);
/* It is true of these values, one for each label of the family.  0 or -ENOMEM. */
int gauge_round_add(struct gauge_round *g, struct metrics *m, const char *const *values);

#endif
