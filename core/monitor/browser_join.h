/* SPDX-License-Identifier: MIT */
/*
 * Joins what a user's browser reported with the verdicts about that user of that time, as one more line of their
 * evidence: member "browser" of their JSON.  They stay what they are, for nobody can prove what a browser says.
 * Monitor process.
 */
#ifndef T3OPS_MONITOR_BROWSER_JOIN_H
#define T3OPS_MONITOR_BROWSER_JOIN_H

#include "monitor/monitor_state.h"
#include "obs/event.h"

/* Takes events of that kind, and leaves all others alone. */
void browser_join(struct monitor *d, const struct event *e);
/* Adds it to that verdict if it belongs there and there is room for it.  Pure. */
bool browser_join_add(json_t *verdict, const struct event *e, uint64_t now_us);

#endif
