/* SPDX-License-Identifier: MIT */
/* Where the diagnosis' conclusions go: verdicts to log, journal, metrics, ring and followers; its probes to prober
 * and proxy.  Monitor process. */
#ifndef T3OPS_MONITOR_ACTIONS_H
#define T3OPS_MONITOR_ACTIONS_H

#include "monitor/monitor_state.h"

/* The counters of verdicts exist from the start, at 0. */
void actions_begin(struct monitor *d);

/* The metrics of what stands, as it is now. */
void actions_standing(struct monitor *d);
/* The metrics of legs that meet a sign-in page. */
void actions_walls(struct monitor *d);

/* Asks everything how it is, for a monitor that knows nothing of it yet. */
void actions_ask(struct monitor *d);
/* Writes down what the next monitor has to know of the verdicts, as far as it changed. */
void actions_remember(struct monitor *d);

/* Journal and followers get the verdict as it is now; one that they have already is replaced. */
void actions_verdict_store(struct monitor *d, json_t *verdict);

/* Reports and verdicts that found no memory. */
void actions_evidence_lost(int error);

/* Their arg is the struct monitor. */
extern const struct diagnosis_actions actions;

#endif
