/* SPDX-License-Identifier: MIT */
/* The recording of an incident (recorder.h) over the control socket, read from the journal a slice at a time. Monitor
 * process. */
#ifndef T3OPS_MONITOR_CONTROL_INCIDENT_H
#define T3OPS_MONITOR_CONTROL_INCIDENT_H

#include <jansson.h>

#include "monitor/local_server.h"
#include "monitor/monitor_state.h"

/* {"command":"incident", "id":}: lines {"part":TEXT}, which are the file one behind the other, then the answer, whose
 * result says "incident" and "state": over, open or incomplete. */
void control_incident_export(struct monitor *d, struct local_conn *c, const json_t *request);

#endif
