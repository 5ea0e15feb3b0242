/* SPDX-License-Identifier: MIT */
/*
 * Gaps of this machine's clocks between two readings: CLOCK_BOOTTIME runs on while the machine sleeps and
 * CLOCK_MONOTONIC does not; CLOCK_REALTIME goes with CLOCK_BOOTTIME unless somebody sets it.  Pure.
 */
#ifndef T3OPS_DIAGNOSIS_CLOCK_GAP_H
#define T3OPS_DIAGNOSIS_CLOCK_GAP_H

#include <stdint.h>

/* All read at the same time; mono_us 0: never. */
struct clock_reading {
	uint64_t mono_us, boot_us, wall_us;
	uint64_t took_us; /* from the first to the last of them: what is read slowly says nothing */
};

struct clock_gap {
	uint64_t suspended_us; /* how long the machine slept */
	int64_t jumped_us;     /* how far the wall clock was set, forward or back */
};

/* Of two readings one after the other; all zero where nothing can be said. */
struct clock_gap clock_gap_between(const struct clock_reading *before, const struct clock_reading *now);

#endif
