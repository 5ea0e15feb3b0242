/* SPDX-License-Identifier: MIT */
/* The clocks, in microseconds.  Any process. */
#ifndef T3OPS_SYS_CLOCK_H
#define T3OPS_SYS_CLOCK_H

#include <stdint.h>
#include <time.h>

static inline uint64_t clock_read_us(clockid_t id)
{
	struct timespec t;

	clock_gettime(id, &t);
	return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

static inline uint64_t clock_mono_us(void)
{
	return clock_read_us(CLOCK_MONOTONIC);
}

/* The same for an eighth of its cost: not ahead of it, and CLOCK_COARSE_US behind at most, a tick of a kernel of 100
 * Hz. */
#define CLOCK_COARSE_US 10000
static inline uint64_t clock_coarse_us(void)
{
	return clock_read_us(CLOCK_MONOTONIC_COARSE);
}

/* Since 1970. */
static inline uint64_t clock_wall_us(void)
{
	return clock_read_us(CLOCK_REALTIME);
}

/* Like CLOCK_MONOTONIC, and runs on while the machine is suspended. */
static inline uint64_t clock_boot_us(void)
{
	return clock_read_us(CLOCK_BOOTTIME);
}

#endif
