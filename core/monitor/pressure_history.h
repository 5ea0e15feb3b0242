/* SPDX-License-Identifier: MIT */
/* How much of each minute this machine stood still for, kept in the journal for the page.  Monitor process. */
#ifndef T3OPS_MONITOR_PRESSURE_HISTORY_H
#define T3OPS_MONITOR_PRESSURE_HISTORY_H

#include "diagnosis/pressure.h"
#include "monitor/journal.h"

/* Zeroed is ready. */
struct pressure_history {
	struct pressure first; /* of this minute; not known: it has not begun */
	uint64_t minute;       /* since 1970 */
};

/* A sample of the host, taken at wall_us; what is to be kept is queued. */
void pressure_history_add(struct pressure_history *h, struct journal *j, const struct pressure *sample,
                          uint64_t wall_us);

#endif
