/* SPDX-License-Identifier: MIT */
/*
 * Messages that a full queue dropped are counted in a metric and logged, at most one line in ten seconds: what is
 * missing elsewhere (an event, a verdict) must have a trace.  Any process.
 */
#ifndef T3OPS_IPC_DROP_REPORT_H
#define T3OPS_IPC_DROP_REPORT_H

#include <stdint.h>

#include "obs/metrics.h"
#include "ipc/message.h"

enum drop_direction { DROP_TO, DROP_FROM }; /* to the process, or from it */

struct drop_report {
	enum process_id process;
	enum drop_direction direction;
	struct series *series;
	uint64_t seen, unlogged;
	uint64_t logged_us; /* CLOCK_MONOTONIC; 0: never */
};

/* The process's counter exists from now on. */
void drop_report_init(struct drop_report *r, struct metrics *m, enum process_id process,
                      enum drop_direction direction);
/* dropped: how many there were so far (channel_dropped). */
void drop_report_update(struct drop_report *r, uint64_t dropped, uint64_t now_us);

#endif
