/* SPDX-License-Identifier: MIT */
/*
 * The metrics page, from the arenas of all processes.  Each belongs to a process that may run foreign code, so
 * nothing found there is believed: it is copied, bounded and checked, and what is not a series is left out.
 */
#ifndef T3OPS_MONITOR_METRICS_RENDER_H
#define T3OPS_MONITOR_METRICS_RENDER_H

#include <stdio.h>

#include "obs/metrics.h"

/* Prometheus text format 0.0.4, sorted by name, then labels.  A series that several processes have is shown once:
 * counters and histograms added up, of gauges the first.  0 or -ENOMEM (nothing is written). */
int metrics_render(const struct metrics *m, FILE *out);

#endif
