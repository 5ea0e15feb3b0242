/* SPDX-License-Identifier: MIT */
/* How long something takes, without keeping every time: counts in steps of a factor of 1.41.  Pure. */
#ifndef T3OPS_MONITOR_DELAY_SKETCH_H
#define T3OPS_MONITOR_DELAY_SKETCH_H

#include <stdint.h>

#define DELAY_STEPS 36 /* from 0.25 ms to 46 s */

/* Zeroed is empty. */
struct delay_sketch {
	uint16_t counts[DELAY_STEPS];
};

/* What is old counts less and less: all is halved at 2000. */
void delay_sketch_add(struct delay_sketch *s, uint64_t delay_us);
/* The time that 99 of 100 stayed below, in us; 0: fewer than 20 are known. */
uint64_t delay_sketch_p99_us(const struct delay_sketch *s);

#endif
