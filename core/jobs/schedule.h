/* SPDX-License-Identifier: MIT */
/* When a job runs next.  Pure but for the time zone, which it takes from the environment. */
#ifndef T3OPS_JOBS_SCHEDULE_H
#define T3OPS_JOBS_SCHEDULE_H

#include <stdint.h>

#define SCHEDULE_NEVER UINT64_MAX

struct schedule {
	int at_minutes;     /* time of day, local; -1: not daily */
	uint64_t every_us;  /* 0: not by interval */
	uint64_t offset_us; /* added to every time: this machine's part of the jitter */
};

/* The next time after after_us, both in us since 1970; SCHEDULE_NEVER without at and every.
 *
 * Daily: once on each local day.  A time that the clock skips in spring is shifted by the hour (or
 * whatever) that it skips; of a time that comes twice in autumn the first one counts.
 * By interval: whole multiples of every_us since 1970, so that a restart shifts nothing. */
uint64_t schedule_next(const struct schedule *s, uint64_t after_us);

/* A part of jitter_us that is always the same for the same seed. */
uint64_t schedule_offset(uint64_t jitter_us, const char *seed);

#endif
