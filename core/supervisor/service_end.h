/* SPDX-License-Identifier: MIT */
/*
 * t3ops --end-service: the unit's ExecStopPost=.  The service manager signals the supervisor alone, and what is left
 * behind one that did not end in order is killed here, unless the next supervisor is about to adopt it.
 */
#ifndef T3OPS_SUPERVISOR_SERVICE_END_H
#define T3OPS_SUPERVISOR_SERVICE_END_H

/* Kills all other processes of this one's control group if $SERVICE_RESULT says that the service was stopped.  An
 * exit status. */
int service_end(void);

#endif
