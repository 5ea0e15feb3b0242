/* SPDX-License-Identifier: MIT */
/* What the control socket can be asked about the past: answered when the journal was read, without blocking.  Monitor
 * process. */
#ifndef T3OPS_MONITOR_CONTROL_HISTORY_H
#define T3OPS_MONITOR_CONTROL_HISTORY_H

#include <jansson.h>

#include "monitor/local_server.h"
#include "monitor/monitor_state.h"

/* {"command":"why"}, perhaps with "id", or "user" and "at": a moment, microseconds since 1970. */
void control_why(struct monitor *d, struct local_conn *c, const json_t *request);
/* {"command":"verdicts", "since":}, perhaps with "until", "user", "segment", "limit": one row a verdict, its latest
 * revision, newest first, each with duration_seconds and lasted. */
void control_verdicts_since(struct monitor *d, struct local_conn *c, const json_t *request);

#endif
