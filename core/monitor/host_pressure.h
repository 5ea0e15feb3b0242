/* SPDX-License-Identifier: MIT */
/* Reads the kernel's own word on the host's state: /proc/pressure and the OOM kills of /proc/vmstat.  Monitor
 * process. */
#ifndef T3OPS_MONITOR_HOST_PRESSURE_H
#define T3OPS_MONITOR_HOST_PRESSURE_H

#include "diagnosis/pressure.h"

/* The total= of the line that begins with `line` ("full" or "some"); false if there is none. */
bool host_pressure_parse(const char *text, const char *line, uint64_t *total_us);
/* The number behind "oom_kill "; false if there is none. */
bool host_pressure_parse_oom(const char *vmstat, uint64_t *kills);

/* The second number of a schedstat: how long the process waited for a CPU. */
bool host_pressure_parse_wait(const char *schedstat, uint64_t *waited_us);

/* Reads PROC/pressure/..., PROC/vmstat and PROC/self/schedstat, a few short files; known is false where
 * the kernel has no PSI.  late_us is the caller's. */
void host_pressure_read(const char *proc, uint64_t mono_us, struct pressure *out);

#endif
