/* SPDX-License-Identifier: MIT */
/*
 * How far a heartbeat got that is not answered: whether the next hop that speaks TCP acknowledged it, and what the
 * far end says of it over another connection.  And how long heartbeats that are answered took on each way.  It
 * accuses nobody: it is said beside the evidence.
 */
#ifndef T3OPS_PROBER_LEG_TRACE_H
#define T3OPS_PROBER_LEG_TRACE_H

#include "prober/leg_state.h"

/* A heartbeat is late, or the connection is given up for one: asks the kernel. */
void leg_trace_late(struct t3ops_leg *leg);
/* What the far end says, enum t3ops_beat. */
void leg_trace_beat(struct t3ops_leg *leg, uint32_t fate);
/* The stamps of one that is answered. */
void leg_trace_stamps(struct t3ops_leg *leg, uint64_t sent_us, uint64_t received_us, uint64_t answered_us);

#endif
