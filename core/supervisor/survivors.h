/* SPDX-License-Identifier: MIT */
/*
 * What outlives a supervisor that dies without an order, where a service manager keeps descriptors (service_store.h):
 * the proxies, with their clients and tunnels, for the other end of their channel stays open there; the listening
 * sockets; and the last good user tables.  The next supervisor adopts the proxies, which notice nothing, starts new
 * ones from the configuration as it is now, and then lets the old ones drain into them, as a reload does.
 *
 * A kept channel is named proxy,VERSION,SLOT,SERIAL,PID, VERSION that of its messages; who stored it was the main
 * process of the service, so that is believed.  All other processes end with their supervisor.
 */
#ifndef T3OPS_SUPERVISOR_SURVIVORS_H
#define T3OPS_SUPERVISOR_SURVIVORS_H

#include "supervisor/supervisor_state.h"

/* At boot: everything that was kept, and what a socket unit has.  Sockets come into the setup, user tables into the
 * snapshots. */
void survivors_adopt(struct supervisor *s);
/* The new processes are ready: the adopted ones may go. */
void survivors_drain(struct supervisor *s);
/* There are no new ones: the adopted ones, and the sockets, stay as they are, for the next supervisor. */
void survivors_leave(struct supervisor *s);
/* A proxy is ready: from here on it outlives this process. */
void survivor_keep(const struct child *proxy);

#endif
