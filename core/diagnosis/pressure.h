/* SPDX-License-Identifier: MIT */
/* Stall time and OOM kills of the host as evidence: a short ring of samples, and what a window of time looked
 * like.  Pure. */
#ifndef T3OPS_DIAGNOSIS_PRESSURE_H
#define T3OPS_DIAGNOSIS_PRESSURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PRESSURE_SAMPLES 32 /* one a second: more than passes from what broke until it is reported */

/* Counters of the kernel at one time. */
struct pressure {
	uint64_t mono_us;
	uint64_t memory_us, io_us;   /* total time in which every task stalled ("full") */
	uint64_t cpu_us;             /* total time in which some task waited for a CPU ("some") */
	uint64_t late_us, waited_us; /* our own loop: by how much it was late; for how long it waited for a CPU */
	uint64_t oom_kills;
	bool known; /* all but the kills, which have a file of their own */
	bool kills_known;
};

struct pressure_ring {
	struct pressure rows[PRESSURE_SAMPLES];
	size_t n, next;
};

/* What a window of time looked like; parts of 1. */
struct host_pressure {
	bool known;
	double memory, io, cpu;
	uint64_t oom_kills;
};

/* Keeps it if it is known. */
void pressure_add(struct pressure_ring *r, const struct pressure *p);
/* The last sample before that time, or the oldest; not known if there is none. */
void pressure_before(const struct pressure_ring *r, uint64_t at_us, struct pressure *out);
/* From that sample to the newest one. */
void pressure_window(const struct pressure *before, const struct pressure_ring *r, struct host_pressure *out);

#endif
