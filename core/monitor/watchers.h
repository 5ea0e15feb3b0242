/* SPDX-License-Identifier: MIT */
/* What watch plugins see.  Monitor process. */
#ifndef T3OPS_MONITOR_WATCHERS_H
#define T3OPS_MONITOR_WATCHERS_H

#include "monitor/monitor_state.h"
#include "obs/event.h"

/* Hands the event to each of them. */
void watchers_event(struct monitor *d, const struct event *e);
/* Whether it is of a section that watches: the next monitor tells it of that. */
bool watchers_own(const struct monitor *d, const struct event *e);
/* Once, when this monitor becomes the one that follows verdicts: what they would know had they been there before. */
void watchers_recall(struct monitor *d);

#endif
