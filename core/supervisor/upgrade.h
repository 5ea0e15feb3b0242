/* SPDX-License-Identifier: MIT */
/*
 * The next binary.  It is asked, in a child, whether it takes the configuration and what it would adopt; then it is
 * tried, started as it will be when it takes over; both beside everything else.  Then it is started for good, adopts
 * the running processes (take_over.h), and replaces all of them (reload.h):
 *
 *   idle --> asked --> tried --> leaving --ADOPTED--> (this process ends)
 *              \---------\---------\--error--> idle: refused, and nothing has changed
 *
 * Where a service manager follows ($NOTIFY_SOCKET) the next binary is another process, and this one ends only when
 * that has everything.  Elsewhere, and as the first process of a container, it is the same process (execve(2)), and
 * there is no way back.
 */
#ifndef T3OPS_SUPERVISOR_UPGRADE_H
#define T3OPS_SUPERVISOR_UPGRADE_H

#include <stdbool.h>

#include "supervisor/supervisor_state.h"

/* Somebody asks for it: begins, or waits until what is in progress is over.  If the binary does not take over,
 * refused is called, perhaps before it returns, and everything is as before. */
void upgrade_request(struct supervisor *s, outcome_cb refused);
/* What was in progress is over: the one that is queued begins.  False: there is none. */
bool upgrade_next(struct supervisor *s, outcome_cb refused);
/* A process got ready, or exited: what waited for that goes on. */
void upgrade_step(struct supervisor *s);
/* At the end of the supervisor. */
void upgrade_cancel(struct supervisor *s);

#endif
