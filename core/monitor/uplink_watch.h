/* SPDX-License-Identifier: MIT */
/*
 * Follows whether this machine has a network of its own (net/uplink.h): that it went, and that it is back, are events
 * of the host.  Only a change says so: a machine that never had a default route may need none.
 */
#ifndef T3OPS_MONITOR_UPLINK_WATCH_H
#define T3OPS_MONITOR_UPLINK_WATCH_H

#include <ev.h>
#include <stdbool.h>
#include <stdint.h>

#include "diagnosis/host_events.h"
#include "net/uplink.h"

/* It was lost, and is not back, or it is. */
typedef void (*uplink_changed)(void *arg, const struct host_event *e);

struct uplink_watch {
	struct ev_loop *loop; /* NULL: it was never started */
	struct uplink uplink;
	struct ev_io news;
	struct ev_timer settle; /* news come in bursts: one look at their end, and another one where it was torn */
	bool had;               /* there was a network */
	uint64_t lost_us;       /* CLOCK_MONOTONIC: since when there is none, 0: there is, or was none */
	uplink_changed changed;
	void *arg;
};

/* Where the kernel does not answer that is logged, and no loss of a network is noticed. */
void uplink_watch_start(struct uplink_watch *w, struct ev_loop *loop, uplink_changed changed, void *arg);
/* Harmless if it was never started. */
void uplink_watch_stop(struct uplink_watch *w);

#endif
