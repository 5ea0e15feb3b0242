/* SPDX-License-Identifier: MIT */
/*
 * Whether a leg is slow: a state with hysteresis over its last heartbeats, so that one late answer is no news and two
 * good ones no end.  Slow is what is several times the usual and noticeable; it convicts nobody.  Pure.
 *
 *   FINE --SLOW_ENTER of the last SLOW_WINDOW beats were slow--> SLOW
 *   SLOW --at most SLOW_LEAVE of them were--> FINE
 */
#ifndef T3OPS_DIAGNOSIS_SLOW_H
#define T3OPS_DIAGNOSIS_SLOW_H

#include <stdbool.h>
#include <stdint.h>

#define SLOW_WINDOW 5
#define SLOW_ENTER  3
#define SLOW_LEAVE  1
#define SLOW_MIN_US UINT64_C(500000) /* a round trip below that is noticed by nobody */
#define SLOW_FACTOR 4                /* and one below so many usual ones is not unusual */

/* Zeroed is ready: fine. */
struct slow {
	uint8_t beats;      /* of the last ones, the latest in bit 0: slow */
	bool is;            /* the state */
	uint64_t usual_us;  /* round trip of beats that were not slow; 0: none yet */
	uint64_t latest_us; /* of the last beat */
};

/* A heartbeat took rtt_us: whether that changed the state. */
bool slow_beat(struct slow *s, uint64_t rtt_us);
/* It has no heartbeat any more: it is down, not slow.  Whether that changed the state. */
bool slow_stop(struct slow *s);

#endif
