/* SPDX-License-Identifier: MIT */
/* Deadlines on CLOCK_MONOTONIC. */
#ifndef T3OPS_PLUGINS_COMMON_DUE_H
#define T3OPS_PLUGINS_COMMON_DUE_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

static inline uint64_t due_now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

static inline bool is_due(uint64_t until_us)
{
	return due_now_us() >= until_us;
}

#endif
