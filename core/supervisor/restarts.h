/* SPDX-License-Identifier: MIT */
/*
 * When to start a process again that exited by itself: at once the first time, then with pauses that double.  It says
 * when, and starts nothing.  Supervisor only.
 */
#ifndef T3OPS_SUPERVISOR_RESTARTS_H
#define T3OPS_SUPERVISOR_RESTARTS_H

#include <ev.h>
#include <stdint.h>

#include "supervisor/process_slot.h"

struct restarts {
	struct ev_loop *loop;
	uint64_t pause_max_us;
	void (*on_due)(void *arg, unsigned slot);
	void *arg;
	struct restart {
		struct restarts *all;
		struct ev_timer timer;
		uint64_t pause_us; /* before the next one */
	} slots[PROCESS_SLOTS];
};

void restarts_init(struct restarts *r, struct ev_loop *loop, void (*on_due)(void *arg, unsigned slot), void *arg);
/* The slot's process exited after lived_us; the pause until on_due. */
uint64_t restart_schedule(struct restarts *r, unsigned slot, uint64_t lived_us);
/* It could not even be started: again after the longest pause. */
void restart_retry(struct restarts *r, unsigned slot);
/* Not any more; the next pause is a short one. */
void restart_cancel(struct restarts *r, unsigned slot);
void restarts_stop(struct restarts *r);

#endif
