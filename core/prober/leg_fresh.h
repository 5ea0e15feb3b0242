/* SPDX-License-Identifier: MIT */
/*
 * Fresh connections beside an established leg: what users meet who come now, while the leg's own connection shows
 * only that old ones live.  One is made every `fresh`, and at once when a heartbeat is late or the monitor asks.
 *
 *   WAITING --timer, late, asked--> RUNNING --leg_fresh_up, leg_fresh_down, watchdog--> WAITING
 *   any --the leg ends--> OFF --the leg is up--> WAITING
 *
 * One failure may be anything: it is reported if the next one fails, too, or if something else is wrong already.
 * Works are always reported, to the monitor only while they are no news.
 */
#ifndef T3OPS_PROBER_LEG_FRESH_H
#define T3OPS_PROBER_LEG_FRESH_H

#include "prober/leg_state.h"

void leg_fresh_init(struct t3ops_leg *leg);
/* The leg is up. */
void leg_fresh_begin(struct t3ops_leg *leg);
/* The leg ended; its plugin is about to release everything, or has. */
void leg_fresh_stop(struct t3ops_leg *leg);
/* Something may have broken at since_us: makes one now, unless one was begun later than that. */
void leg_fresh_now(struct t3ops_leg *leg, uint64_t since_us);
/* A sign of life: one that failed is tried again within a heartbeat of the last one. */
void leg_fresh_retry(struct t3ops_leg *leg);

/* What its plugin says; each is harmless while none is running. */
void leg_fresh_reach(struct t3ops_leg *leg, uint32_t step);
void leg_fresh_works(struct t3ops_leg *leg, uint64_t took_us);
void leg_fresh_fail(struct t3ops_leg *leg, const struct t3ops_ws_end *end);
/* A large message that was sent on one; fate: enum t3ops_large. */
void leg_fresh_large(struct t3ops_leg *leg, uint32_t fate, uint64_t took_us);

#endif
