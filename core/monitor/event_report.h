/* SPDX-License-Identifier: MIT */
/* Events as the diagnosis takes them: one report each. */
#ifndef T3OPS_MONITOR_EVENT_REPORT_H
#define T3OPS_MONITOR_EVENT_REPORT_H

#include "diagnosis/diagnosis.h"
#include "obs/event.h"

/* Reports the event, if it is evidence.  0 or -ENOMEM. */
int event_report(struct diagnosis *d, const struct event *e, uint64_t now_us);

#endif
