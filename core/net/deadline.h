/* SPDX-License-Identifier: MIT */
/*
 * A timer that is moved far more often than it fires: moving it later costs an assignment, the loop's
 * heap is touched only when it was about to fire too early.  A wall clock that is set moves it nowhere.  Proxy.
 */
#ifndef T3OPS_NET_DEADLINE_H
#define T3OPS_NET_DEADLINE_H

#include <ev.h>
#include <stdint.h>

struct deadline {
	struct ev_timer timer;
	uint64_t due_us;   /* CLOCK_MONOTONIC, which a loop's own time is not; 0: none */
	uint64_t armed_us; /* when the timer will fire */
	void (*cb)(void *arg);
	void *arg;
};

void deadline_init(struct deadline *d, void (*cb)(void *arg), void *arg);
/* Never early, and up to CLOCK_COARSE_US late.  0: none. */
void deadline_set(struct ev_loop *loop, struct deadline *d, uint64_t after_us);
void deadline_stop(struct ev_loop *loop, struct deadline *d);

#endif
