/* SPDX-License-Identifier: MIT */
/*
 * Tells a service manager that wants to know (WatchdogSec= of the unit) that the loop of the supervisor turns; one
 * that hangs is then killed like one that crashed, and the next one adopts the proxies (survivors.h).  Supervisor
 * only.
 */
#ifndef T3OPS_SUPERVISOR_SERVICE_WATCHDOG_H
#define T3OPS_SUPERVISOR_SERVICE_WATCHDOG_H

#include <ev.h>

struct service_watchdog {
	struct ev_timer timer;
};

/* From WATCHDOG_USEC; without it nothing happens.  WATCHDOG_PID does not count: after an upgrade it is the earlier
 * binary's. */
void service_watchdog_start(struct service_watchdog *w, struct ev_loop *loop);

#endif
