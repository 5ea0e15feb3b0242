/* SPDX-License-Identifier: MIT */
/* Listening sockets that the service manager keeps (service_store.h): which ones, and under which names.  Supervisor
 * only. */
#ifndef T3OPS_SUPERVISOR_LISTENER_STORE_H
#define T3OPS_SUPERVISOR_LISTENER_STORE_H

#include "supervisor/listeners.h"

/* The set `before` has become `now`: has those kept that are new, and no others. */
void listener_store_update(const struct listeners *now, const struct listeners *before);
/* One that was kept: into l, which has fd then.  False: its name is no listener's, or it is none. */
bool listener_store_take(struct listeners *l, const char *name, int fd);

#endif
