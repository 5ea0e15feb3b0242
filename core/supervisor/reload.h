/* SPDX-License-Identifier: MIT */
/*
 * From the file to new processes: the configuration is checked in a child of its own while everything else goes on,
 * then everything is made for it, then the processes are replaced (transition.h).  Boot and the replacement of all
 * processes by an upgraded binary go the same way.
 *
 *   idle --> checking --OK--> starting --> idle, and the next one if one is queued
 *                \--error--------^ (nothing has changed)
 */
#ifndef T3OPS_SUPERVISOR_RELOAD_H
#define T3OPS_SUPERVISOR_RELOAD_H

#include <stdbool.h>

#include "supervisor/supervisor_state.h"

/* Begins at once; nothing else may be in progress.  everything: no process counts as unchanged.  done may be called
 * before it returns; the requester has its answer then. */
void reload_begin(struct supervisor *s, struct requester requester, bool everything, outcome_cb done);
/* Somebody asks: begins, or waits until what is in progress is over, or is refused. */
void reload_request(struct supervisor *s, struct requester requester, outcome_cb done);
/* Whether anything is in progress that a reload or an upgrade has to wait for. */
bool reload_is_busy(const struct supervisor *s);
/* What was in progress is over: the one that is queued begins. */
void reload_next(struct supervisor *s, outcome_cb done);
/* At the end of the supervisor. */
void reload_cancel(struct supervisor *s);

#endif
