/* SPDX-License-Identifier: MIT */
/*
 * From one setup to the next, whole or not at all: start every process whose spec changed, one after the other, at
 * boot all but those that the others tell of themselves beside each other, and when all of them are ready let the old
 * ones drain or stop.  Boot is a transition from nothing; an upgrade is one in which everything changed.
 *
 *   idle --begin--> starting --all ready--> committed (done 0)
 *                      \--one exits, or the deadline--> aborted (done -errno): what runs stays
 */
#ifndef T3OPS_SUPERVISOR_TRANSITION_H
#define T3OPS_SUPERVISOR_TRANSITION_H

#include <stdbool.h>

#include "supervisor/supervisor_state.h"

/* Takes what next holds.  everything: no process counts as unchanged.  done may be called before it returns. */
void transition_begin(struct supervisor *s, struct setup *next, bool everything, outcome_cb done);
/* A process got ready. */
void transition_step(struct supervisor *s);
/* A process that was started for it exited; it has its slot no more, and is freed by the caller. */
void transition_child_exited(struct supervisor *s, const struct child *c);
/* At the end of the supervisor: forgets it; its processes are stopped with all others. */
void transition_cancel(struct supervisor *s);

#endif
