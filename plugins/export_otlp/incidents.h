/* SPDX-License-Identifier: MIT */
/*
 * Incidents as traces.  Follows drops, legs and verdicts, and makes the spans of an incident when the last of its
 * verdicts has ended:
 *
 *   incident --+-- verdict     from the first drop to its latest revision; each revision is an event of it
 *              |     +-- heal  from there to the end of the verdict
 *              +-- drop        of a user's WebSocket, to the user's return
 *              +-- leg_down    of a leg, to its return
 *
 * Plain state; no clock, no socket.  All of it is bounded; what is left out is counted in the incident's span.
 */
#ifndef T3OPS_EXPORT_OTLP_INCIDENTS_H
#define T3OPS_EXPORT_OTLP_INCIDENTS_H

#include "export_otlp/otlp_json.h"
#include "plugin.h"

struct incidents;

/* Takes over the text of a span. */
typedef void (*incidents_span_cb)(void *arg, char *span);

/* seed: of the installation, makes its identifiers its own.  NULL without memory. */
struct incidents *incidents_new(const char *seed, incidents_span_cb cb, void *arg);
void incidents_free(struct incidents *t); /* NULL is fine; what has not ended is lost */

/* Follows it. */
void incidents_event(struct incidents *t, const struct t3ops_event *e);
/* The trace of an incident; "" for 0. */
void incidents_trace_id(const struct incidents *t, uint64_t incident, char out[OTLP_TRACE_ID_SIZE]);

#endif
