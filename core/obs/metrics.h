/* SPDX-License-Identifier: MIT */
/*
 * Metrics: every process adds to series of an arena of its own with atomics, the monitor renders all of them
 * (metrics_render.h); a crash loses no counter, a reload neither.
 *
 * Series are found or made by (family, labels) with open addressing over a fixed table.  A full table drops the new
 * series, says so once in the log, and counts that in t3ops_metrics_dropped_total.
 * All calls: one thread.  None waits.
 */
#ifndef T3OPS_OBS_METRICS_H
#define T3OPS_OBS_METRICS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "plugin.h"

#define METRICS_FDS 7 /* of the arenas and the head */

struct metrics_memory;
struct metrics; /* this process's view: its own arena to write, perhaps all to read */
struct series;  /* in the arena; stays valid as long as the view */

/* The supervisor's view of new arenas; it holds their descriptors, CLOEXEC.  NULL: errno. */
struct metrics *metrics_new(void);
/* The same of arenas that an earlier binary made: fds are of its metrics_fds, and are taken.  NULL with errno, and
 * they are closed; EPROTO: another layout (new arenas are needed). */
struct metrics *metrics_attach(const int fds[METRICS_FDS]);
const int *metrics_fds(const struct metrics *supervisors); /* METRICS_FDS of them */
/* The view of another process, that is forked off the supervisor: writes arena `number`, from 1; reads_all: can be
 * rendered.  NULL: errno. */
struct metrics *metrics_open(const struct metrics *supervisors, unsigned number, bool reads_all);
void metrics_free(struct metrics *m); /* unmaps and closes; the arenas live on elsewhere */

/* Who finds series from now on in this process: a gauge is shown only while the serial of the
 * process that found it last is listed alive (metrics_alive).  0, the supervisor, always is. */
void metrics_set_owner(struct metrics *m, uint32_t serial);
/* Supervisor only: the serials of the processes that run now. */
void metrics_alive(struct metrics *m, const uint32_t *serials, size_t n);

/* Finds or makes a series.  family as a row of a metric table (copied); values: one for each
 * label of the family.  Further fixed label pairs ("plugin", NAME) come first if lead != NULL.
 * Never NULL: a full arena gives a series that nobody sees. */
struct series *metrics_series(struct metrics *m, const struct t3ops_metric *family, const char *lead_label,
                              const char *lead_value, const char *const *values);
void series_add(struct series *s, uint64_t n);       /* counter */
void series_set(struct series *s, double value);     /* gauge */
void series_observe(struct series *s, double value); /* histogram */
/* Hides a series until it is found again (a user or leg that no longer exists). */
void series_hide(struct series *s);
/* For tests and status pages: counter or gauge value, count of a histogram. */
double series_value(const struct series *s);

/* All arenas, read-only and not to be believed; NULL if this view does not read them. */
const struct metrics_memory *metrics_memory(const struct metrics *m);

#endif
