/* SPDX-License-Identifier: MIT */
/* Waits for the kernel to say that this machine comes under pressure (supervisor/pressure_triggers.h).  Monitor
 * process. */
#ifndef T3OPS_MONITOR_PRESSURE_WATCH_H
#define T3OPS_MONITOR_PRESSURE_WATCH_H

#include <ev.h>

#include "process/process.h"

/* Zeroed: there is nothing to wait for. */
struct pressure_watch {
	struct ev_loop *loop; /* NULL: it has no triggers */
	struct ev_io news;    /* readable when one of them fired */
	void (*came)(void *arg);
	void *arg;
};

/* triggers: borrowed; NULL or empty: pressure_watch_has is false from then on. */
void pressure_watch_init(struct pressure_watch *w, struct ev_loop *loop, const struct pressure_triggers *triggers,
                         void (*came)(void *arg), void *arg);
void pressure_watch_fini(struct pressure_watch *w);

bool pressure_watch_has(const struct pressure_watch *w);
/* Whether came is called.  It is not: who looks at the host anyway asks pressure_watch_fired. */
void pressure_watch_listen(struct pressure_watch *w, bool yes);
/* One fired since this was asked last. */
bool pressure_watch_fired(const struct pressure_watch *w);

#endif
