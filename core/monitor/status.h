/* SPDX-License-Identifier: MIT */
/* The state of processes and legs, for /status and t3opsctl.  Monitor process. */
#ifndef T3OPS_MONITOR_STATUS_H
#define T3OPS_MONITOR_STATUS_H

#include "monitor/monitor_state.h"

#define LIST_MAX 10000 /* rows in one answer */

/* New references. */
json_t *status_json(const struct monitor *d);
/* The same as a listing. */
struct listing_ask;
void status_ask(const struct monitor *d, struct listing_ask *ask);
/* {"configured":LEVEL,"processes":{NAME:LEVEL of those that run}} */
json_t *log_levels_json(const struct monitor *d);
/* Verdicts, newest first: at most limit (LIST_MAX bounds it) of those with a serial above `after`. */
json_t *verdicts_json(const struct monitor *d, uint64_t after, size_t limit);
/* Those that stand or ended a few minutes ago, as they are now. */
json_t *standing_json(struct monitor *d);
/* How things are, in a line (headline.h). */
json_t *headline_json(struct monitor *d);

#endif
