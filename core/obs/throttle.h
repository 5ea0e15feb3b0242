/* SPDX-License-Identifier: MIT */
/*
 * Keeps events that anybody can cause from filling log and journal: of one origin and subject one is reported a
 * minute, with the number of those that were left out.  A table of fixed size; who finds no place in it shares
 * one with all the others.  Pure, the clock is the caller's.
 */
#ifndef T3OPS_OBS_THROTTLE_H
#define T3OPS_OBS_THROTTLE_H

#include <stdbool.h>
#include <stdint.h>

#include "plugin.h"

#define THROTTLE_US   UINT64_C(60000000)
#define THROTTLE_ROWS 256

struct throttled {
	char who[T3OPS_USER_NAME_SIZE];
	const char *what;
	uint64_t reported_us, left_out;
};

/* Zeroed is empty and valid. */
struct throttle {
	struct throttled rows[THROTTLE_ROWS + 1]; /* the last one: all who found no place */
};

/* Whether to report it; left_out is then how many of its kind were not reported since one was.  who: a peer or a
 * user, shorter than T3OPS_USER_NAME_SIZE; what: static, compared as a pointer. */
bool throttle_passes(struct throttle *h, const char *who, const char *what, uint64_t now_us, uint64_t *left_out);

#endif
