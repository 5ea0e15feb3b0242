/* SPDX-License-Identifier: MIT */
/* Requests to run a job now: how many of their runs are left, and the answer when there is none. */
#ifndef T3OPS_JOBS_RUN_REQUEST_H
#define T3OPS_JOBS_RUN_REQUEST_H

#include "jobs/job_result.h"
#include "jobs/jobs_state.h"

/* Answers a request that cannot be taken. */
void run_request_refuse(struct jobs *j, const struct msg_head *head, int error, const char *why);
/* A request without runs yet; NULL without memory. */
struct run_request *run_request_new(struct jobs *j, const struct msg_head *head, const struct msg_run *ask);
/* It gets a run. */
void run_request_add(struct run_request *request);
/* One of its runs has ended, for that user. */
void run_request_ended(struct run_request *request, const char *user, const struct job_result *result);
/* Answers and frees it if none of its runs is left. */
void run_request_settle(struct jobs *j, struct run_request *request);

#endif
