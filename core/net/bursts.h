/* SPDX-License-Identifier: MIT */
/*
 * When something large was sent: many bytes in one go, or one such go after another, as a slow line makes of one
 * large answer.  Plain struct; times are CLOCK_MONOTONIC.  Pure.
 */
#ifndef T3OPS_NET_BURSTS_H
#define T3OPS_NET_BURSTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BURST_US    UINT64_C(1000000) /* what comes within it is sent in one go */
#define BURST_LARGE (32u << 10)       /* more than a path takes whose MTU is broken, or a slow line in a moment */

/* Zeroed is ready. */
struct bursts {
	uint64_t began_us; /* of the last one */
	uint64_t large_us; /* when the last large answer began; 0: there was none */
	uint32_t bytes;    /* of the last one, up to BURST_LARGE */
	bool goes_on;      /* it follows a large one at once: both are one answer */
};

void bursts_add(struct bursts *b, size_t n, uint64_t now_us);

#endif
