/* SPDX-License-Identifier: MIT */
/*
 * When a process looks at the clock, so that it knows when it stood still, and for how long.  Pure.
 *
 * It looks at a tick, which is due so long after the last look.  A tick that comes late tells of a freeze: of one
 * that was longer by at most the time between the two.  So ticks are as far apart as what is awaited allows, and
 * while nobody owes an answer each turn of the loop is a look as well, which puts the tick off:
 *
 *   ASLEEP  nothing is awaited; the first that happens makes it FIRST
 *   QUIET   connections live, but nobody owes an answer: whoever ends one had to be patient for much longer
 *   REST    somebody owes an answer, and it may be us who does not take it
 *   BUSY    much happens, as long as anything does between two ticks
 */
#ifndef T3OPS_PROCESS_LAG_H
#define T3OPS_PROCESS_LAG_H

#include <stdbool.h>
#include <stdint.h>

#define LAG_BUSY_US     UINT64_C(100000)
#define LAG_FIRST_US    UINT64_C(500000)
#define LAG_REST_US     UINT64_C(1000000)
#define LAG_QUIET_US    UINT64_C(2000000)
#define LAG_TRIM_US     UINT64_C(5000000)  /* instead of ASLEEP once: memory is to be given back */
#define LAG_ASLEEP_US   UINT64_C(90000000) /* longer than the pause between two pings then */
#define LAG_TURNS       5                  /* before a tick: much happens */
#define LAG_QUIET_TURNS 10                 /* within LAG_REST_US of QUIET: more than the ticks would be then */

/* What may come from outside that must not be judged without knowing that this process stood still. */
enum awaited { AWAITED_NOTHING, AWAITED_NEWS, AWAITED_ANSWER };

struct lag {
	uint64_t looked_us; /* at the clock */
	uint64_t after_us;  /* so long after it the tick is due */
	uint64_t since_us;  /* from when on turns are counted */
	unsigned turns;     /* of the loop, in which something happened */
};

void lag_init(struct lag *l, uint64_t now_us);
uint64_t lag_due_us(const struct lag *l);
bool lag_is_busy(const struct lag *l);
bool lag_is_asleep(const struct lag *l);
/* While it is, lag_turn wants to know what is awaited. */
bool lag_is_at_rest(const struct lag *l);

/* The tick came: by how much it is late.  trims: it should come once more before sleep. */
uint64_t lag_tick(struct lag *l, uint64_t now_us, enum awaited awaited, bool trims);
/* A turn of the loop ends that began at woken_us.  routine: it was for what wakes the process by itself now and then.
 * True: the tick is due at another time. */
bool lag_turn(struct lag *l, uint64_t woken_us, uint64_t now_us, bool routine, enum awaited awaited);
/* Somebody else looked: asleep as before. */
void lag_sleep_on(struct lag *l, uint64_t now_us);

#endif
