/* SPDX-License-Identifier: MIT */
/*
 * Events as a recording has them (recording.h): every field that the diagnosis may look at, as it came.  What is left
 * out is no evidence and might say more than a recording is to: paths of URLs, browsers, commands.  Pure.
 */
#ifndef T3OPS_MONITOR_RECORDING_EVENT_H
#define T3OPS_MONITOR_RECORDING_EVENT_H

#include "diagnosis/fields.h"
#include "obs/event.h"

/* Whether it happened; what the monitor itself concluded did not. */
bool recording_event_is_fact(const struct event *e);
/* Its pairs, and back; the line is changed.  0 or -EINVAL. */
void recording_event_write(const struct event *e, FILE *out);
int recording_event_read(struct event *e, char *line);

#endif
