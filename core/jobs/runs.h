/* SPDX-License-Identifier: MIT */
/* Runs of jobs, from the queue to their end.  A few at a time, and never two of one job for one user. */
#ifndef T3OPS_JOBS_RUNS_H
#define T3OPS_JOBS_RUNS_H

#include "jobs/jobs_state.h"

/* Queues a run, or reports why not.  request may be NULL. */
void run_queue(struct job *job, const char *user, struct run_request *request);
/* Asks the helper for as many waiting runs as may go on at once. */
void runs_pump(struct jobs *j);
/* The helper's answer, or that it cannot be reached. */
void runs_message(struct jobs *j, const struct msg_head *head, const void *payload);
/* The process ends: every run in progress is reported as abandoned. */
void runs_abandon(struct jobs *j);

#endif
