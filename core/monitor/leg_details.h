/* SPDX-License-Identifier: MIT */
/*
 * Of each leg that is down: why, in the words of whoever refused it or gave it up.  Only people read them; what is
 * judged is in the diagnosis.
 */
#ifndef T3OPS_MONITOR_LEG_DETAILS_H
#define T3OPS_MONITOR_LEG_DETAILS_H

#include <stddef.h>

#include "obs/event.h"

struct leg_detail;

/* Zeroed is empty. */
struct leg_details {
	struct leg_detail **heads; /* chains of those with the same hash */
	size_t size, n;
};

/* What happened to a leg; of anything else nothing is taken.  Without memory it is not noted. */
void leg_details_event(struct leg_details *d, const struct event *e);
/* user: "" of a leg that is no single user's.  "": nothing is known; until the next event. */
const char *leg_details_get(const struct leg_details *d, const char *leg, const char *user);
void leg_details_fini(struct leg_details *d);

#endif
