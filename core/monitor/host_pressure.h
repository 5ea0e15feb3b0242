/* SPDX-License-Identifier: MIT */
/*
 * The host's host_pressure as evidence: stall time of /proc/pressure and OOM kills of /proc/vmstat, kept
 * as a short ring of samples.  Monitor process.  pressure_read does a few short reads of /proc; the rest is
 * pure.
 */
#ifndef T3OPS_MONITOR_HOST_PRESSURE_H
#define T3OPS_MONITOR_HOST_PRESSURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PRESSURE_SAMPLES 32

struct pressure {
	uint64_t mono_us;
	uint64_t memory_us, io_us; /* total time in which every task stalled ("full") */
	uint64_t cpu_us;           /* total time in which some task waited for a CPU ("some") */
	uint64_t oom_kills;
	bool known;
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

/* The total= of the line that begins with `line` ("full" or "some"); false if there is none. */
bool pressure_parse(const char *text, const char *line, uint64_t *total_us);
/* The number behind "oom_kill "; false if there is none. */
bool pressure_parse_oom(const char *vmstat, uint64_t *kills);

/* Reads PROC/pressure/... and PROC/vmstat; known is false where the kernel has no PSI. */
void pressure_read(const char *proc, uint64_t mono_us, struct pressure *out);

void pressure_add(struct pressure_ring *r, const struct pressure *p);
/* From the last sample before from_us (or the oldest) to the newest one. */
void pressure_window(const struct pressure_ring *r, uint64_t from_us, struct host_pressure *out);

#endif
