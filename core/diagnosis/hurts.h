/* SPDX-License-Identifier: MIT */
/*
 * Users who broke over a location a moment ago, whether their drops were judged meanwhile or not: those that broke
 * together, from networks of several households, have no last mile in common.  Pure.
 */
#ifndef T3OPS_DIAGNOSIS_HURTS_H
#define T3OPS_DIAGNOSIS_HURTS_H

#include "diagnosis/incident.h"

struct hurt {
	const char *user; /* interned */
	char address[48], colo[8];
	uint64_t from_us, to_us; /* when it began, as far as that is known */
};

struct hurts {
	struct hurt *rows;
	size_t n, room;
};

void hurts_fini(struct hurts *h);
/* Keeps it for a while, if it says over which location it came; period_us: of the page's Pings.  0 or -ENOMEM. */
int hurts_add(struct hurts *h, const struct drop *d, uint64_t period_us, uint64_t now_us);
/* Whether another user broke over the same location at the same time, from another household. */
bool hurts_have_another(const struct hurts *h, const struct drop *d);

#endif
