/* SPDX-License-Identifier: MIT */
/*
 * The metrics page, from the arenas of all processes.  Each belongs to a process that may run foreign code, so
 * nothing found there is believed: it is copied, bounded and checked, and what is not a series is left out.
 *
 * Prometheus text format 0.0.4, sorted by name, then labels.  A series that several processes have is shown once:
 * counters and histograms added up, of gauges one.
 */
#ifndef T3OPS_MONITOR_METRICS_RENDER_H
#define T3OPS_MONITOR_METRICS_RENDER_H

#include <stdbool.h>
#include <stddef.h>

#include "obs/metrics.h"
#include "sys/buf.h"

struct metrics_rendering;

/* m and vantage are borrowed until the end.  wants: which families; NULL: the whole page.  vantage: the value of a
 * label of that name which every series gets, and which needs no escapes; "": none.  NULL without memory. */
struct metrics_rendering *metrics_render_begin(const struct metrics *m, bool (*wants)(const char *family),
                                               const char *vantage);
/* One of many steps, each of about a thousand series, however many there are; true: that was the last one. */
bool metrics_render_step(struct metrics_rendering *r);
/* After the last step; borrowed.  NULL: it failed for want of memory. */
const char *metrics_render_text(const struct metrics_rendering *r, size_t *len);
/* The same, for the caller to keep; false: it failed. */
bool metrics_render_take(struct metrics_rendering *r, struct buf *text);
void metrics_render_end(struct metrics_rendering *r); /* NULL is fine */

#endif
