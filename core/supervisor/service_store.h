/* SPDX-License-Identifier: MIT */
/*
 * Descriptors that the service manager keeps for the next supervisor, if this one dies without an order
 * (FDSTORE= of sd_notify(3), FileDescriptorStoreMax= of the unit).  It keeps each under a name, hands all of them to
 * the next main process of the service, and closes them when the service has stopped, and each that has hung up.
 * Spoken by hand, as notify.h is.  Without such a manager nothing happens.  Supervisor only.
 */
#ifndef T3OPS_SUPERVISOR_SERVICE_STORE_H
#define T3OPS_SUPERVISOR_SERVICE_STORE_H

#include <stdbool.h>

#define SERVICE_NAME_SIZE 256 /* with NUL */

/* name: printable ASCII without a colon.  fd stays the caller's; one that is there already is not kept twice. */
void service_store_put(const char *name, int fd);
/* All of that name. */
void service_store_remove(const char *name);
/* Once, at the start: calls back for each that was kept for this process, now CLOEXEC.  false: it is not wanted, and
 * closed and removed. */
void service_store_take(bool (*on_kept)(void *arg, const char *name, int fd), void *arg);

#endif
