/* SPDX-License-Identifier: MIT */
/* Looks at the host for the diagnosis: gaps of its clocks, its pressure, what it killed.  Monitor process. */
#ifndef T3OPS_MONITOR_HOST_LOOK_H
#define T3OPS_MONITOR_HOST_LOOK_H

#include "monitor/monitor_state.h"

/* Each second, and before a classification; d is the monitor's, named here since it may be in the middle of one.  0
 * or -ENOMEM: evidence was lost. */
int host_look(struct monitor *m, struct diagnosis *d);

/* What was found, as an event. */
void host_found_event(const struct host_event *found, struct event *e);

#endif
