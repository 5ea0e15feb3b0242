/* SPDX-License-Identifier: MIT */
/* Reports about processes: their metrics and their events.  Supervisor only. */
#ifndef T3OPS_SUPERVISOR_PROCESS_REPORT_H
#define T3OPS_SUPERVISOR_PROCESS_REPORT_H

#include <signal.h>

#include "obs/event.h"
#include "supervisor/process_table.h"

/* t3ops_process_up: whether every process of that role is ready that the setup wants. */
void process_up_show(const struct process_table *t, const struct setup *setup, enum process_id process);
/* t3ops_process_restarts_total: one more. */
/* The counters of restarts exist from the start, at 0. */
void process_restarts_begin(const struct process_table *t);
void process_restart_count(const struct process_table *t, enum process_id process);
/* t3ops_build_info. */
void build_info_show(struct metrics *metrics);

void process_started_fill(const struct child *c, struct event *e);
void process_exited_fill(const struct child *c, const siginfo_t *how, struct event *e);
/* Of one that is stuck. */
void process_killed_fill(const struct child *c, struct event *e);

#endif
