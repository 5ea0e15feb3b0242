/* SPDX-License-Identifier: MIT */
/* Moments as the operator sees them: of the local time zone, which is named; with --utc that is UTC. */
#ifndef T3OPS_CTL_LOCAL_TIME_H
#define T3OPS_CTL_LOCAL_TIME_H

#include <stdbool.h>
#include <stdint.h>

#define LOCAL_TIME_SIZE 64

/* All of the following is about UTC from now on. */
void local_time_utc(void);

/* "2026-11-27 14:03:12 CET", of a moment as the daemon writes it; what is none stays as it is. */
void local_time(const char *utc, char out[LOCAL_TIME_SIZE]);
/* "2026-11-27 14:03:12.340 CET" */
void local_time_exact(const char *utc, char out[LOCAL_TIME_SIZE]);
/* "2026-11-27 14:03:12", for a column whose head names the zone. */
void local_time_bare(const char *utc, char out[LOCAL_TIME_SIZE]);
/* "14:03:12.340" alone. */
void local_clock(const char *utc, char out[LOCAL_TIME_SIZE]);
/* The zone's name at that moment: "CET"; "" for no moment: now. */
void local_zone(const char *utc, char out[LOCAL_TIME_SIZE]);

/*
 * A moment that somebody typed, microseconds since 1970: "14:03" or "14:03:10", the last time that it was so;
 * "2026-11-27 14:03" with or without seconds, or with a T between; the same with a Z behind: UTC; "24h", "90m", "7d":
 * so long ago.  False: none of them.
 */
bool local_time_read(const char *text, uint64_t *wall_us);

#endif
