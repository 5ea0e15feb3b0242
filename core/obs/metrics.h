/* SPDX-License-Identifier: MIT */
/*
 * Metrics: every process adds to series of an arena of its own with atomics, the monitor renders all of them
 * (metrics_render.h); a crash loses no counter, a reload neither.
 *
 * Series are found or made by (family, labels) with open addressing over a fixed table.  A full table drops the new
 * series, says so once in the log, and counts that in t3ops_metrics_dropped_total.
 * All calls: one thread.  Finding and updating never wait; making a series takes a mutex for a moment, that only
 * processes of the same kind share.
 */
#ifndef T3OPS_OBS_METRICS_H
#define T3OPS_OBS_METRICS_H

#include <stddef.h>
#include <stdint.h>

#include "plugin.h"

struct metrics_memory;
struct metrics; /* this process's view: its own arena to write, perhaps all to read */
struct series;  /* in the arena; stays valid as long as the view */

/* New arenas in a memfd (kept in *fd, CLOEXEC, for handing over a fork or an exec), and the supervisor's view of
 * them.  NULL: errno. */
struct metrics *metrics_new(int *fd);
/* The supervisor's view of arenas made by metrics_new, by this or an earlier binary of the same layout.
 * NULL with EPROTO: another layout (new arenas are needed). */
struct metrics *metrics_attach(int fd);
/* The view of another process: writes arena `number`, from 1; reads_all: can be rendered.  NULL: errno. */
struct metrics *metrics_open(int fd, unsigned number, bool reads_all);
void metrics_free(struct metrics *m); /* unmaps; the arenas live on elsewhere */

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
