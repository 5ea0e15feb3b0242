/* SPDX-License-Identifier: MIT */
/* What the jobs process reports: metrics and events of runs. */
#ifndef T3OPS_JOBS_JOB_REPORT_H
#define T3OPS_JOBS_JOB_REPORT_H

#include "jobs/job_result.h"
#include "jobs/jobs_state.h"

/* The job's counters exist from the start, at 0. */
void job_report_begin(struct jobs *j, const struct job *job);
/* A run has ended, or could not begin.  took_us 0: it did not begin. */
void job_report_end(struct jobs *j, const struct job *job, const char *user, const struct job_result *result,
                    uint64_t took_us);
/* An action has ended, or could not begin: no metric counts it. */
void job_report_action(struct jobs *j, const struct job *job, const char *user, const char *action,
                       const struct job_result *result, uint64_t took_us);
/* Shows or hides the time of the last success for a user who came or went. */
void job_report_user(struct jobs *j, const struct job *job, const char *user, bool show);

#endif
