/* SPDX-License-Identifier: MIT */
/*
 * How much longer than at best the ways there and back took, from the stamps of both ends.  The clocks of the ends
 * are not the same, so a way's length is not known; how it varies is, against its own minimum of the last minutes, in
 * which clocks drift apart by less than it matters.  Pure.
 */
#ifndef T3OPS_PROBER_LEG_WAY_H
#define T3OPS_PROBER_LEG_WAY_H

#include <stdint.h>

enum { WAY_OUT, WAY_BACK, WAYS };

/* When each end sent and received, by its own clock. */
struct leg_stamps {
	uint64_t sent_us, received_us, answered_us, returned_us;
};

/* The minima of this minute and of the one before.  Zeroed is empty. */
struct leg_way {
	uint64_t began_us; /* of this minute; 0: nothing is known */
	int64_t now[WAYS], before[WAYS];
};

/* out: by how much each way was longer than its minimum; 0 of the first one. */
void leg_way_take(struct leg_way *w, const struct leg_stamps *s, uint64_t out[WAYS]);

#endif
