/* SPDX-License-Identifier: MIT */
/*
 * The watchdog: pings every process and reports the ones that do not answer and whose loop does not go round either.
 * It counts pings, not time: after a freeze of the whole machine nobody is to blame.  A process that waits in its
 * loop, as the kernel says, too, is pinged in one round of many.  Supervisor only.
 */
#ifndef T3OPS_SUPERVISOR_WATCHDOG_H
#define T3OPS_SUPERVISOR_WATCHDOG_H

#include "supervisor/process_table.h"

struct watchdog {
	const struct process_table *processes;
	struct ev_timer timer;
	/* Once for a process that left too many pings unanswered. */
	void (*on_stuck)(void *arg, struct child *c);
	/* After each round. */
	void (*on_round)(void *arg);
	void *arg;
};

/* The callbacks are set by the caller before. */
void watchdog_start(struct watchdog *w, uint64_t limit_us);
void watchdog_stop(struct watchdog *w);
/* It answered. */
void watchdog_pong(struct child *c);

#endif
