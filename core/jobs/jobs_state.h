/* SPDX-License-Identifier: MIT */
/* What the files of the jobs process share: jobs, runs, requests.  For core/jobs only. */
#ifndef T3OPS_JOBS_JOBS_STATE_H
#define T3OPS_JOBS_JOBS_STATE_H

#include <ev.h>
#include <sys/queue.h>

#include "process/process.h"
#include "users/users.h"
#include "jobs/job_result.h"
#include "jobs/schedule.h"

/* One job section. */
struct job {
	struct jobs *jobs;
	const char *name;
	uint64_t deadline_us;
	struct schedule schedule;
	struct ev_periodic due;
};

/* Somebody's wish to run a job now; answered when its last run ended. */
struct run_request {
	LIST_ENTRY(run_request) link;
	uint32_t from;
	uint64_t id;
	size_t total, left, failed;
	char why[400]; /* of the first failure */
};

/*
 * A job for a user:  waiting -> asked (the helper has it) -> gone
 *                       ^         | the helper is busy or not there: again after a pause
 *                       +---------+
 */
struct run {
	TAILQ_ENTRY(run) link;
	struct jobs *jobs;
	struct job *job;
	struct run_request *request; /* NULL: by schedule */
	char user[64];
	uint64_t id; /* of the question; 0: waiting */
	uint64_t asked_us;
	unsigned tries;
	struct ev_timer timer; /* waiting: the pause; asked: the helper may die with our question */
};

struct jobs {
	struct process *process;
	struct users *users;
	struct job *all;
	size_t n;
	TAILQ_HEAD(run_list, run) runs;
	LIST_HEAD(, run_request) requests;
	size_t n_asked;
	uint64_t last_id;
};

/* Queues a run, or says why not.  request may be NULL. */
void run_queue(struct job *job, const char *user, struct run_request *request);
/* Asks the helper for as many waiting runs as may go on at once. */
void runs_pump(struct jobs *j);
/* The helper's answer, or that there is none. */
void runs_answered(struct jobs *j, const struct msg_head *head, const void *payload);
/* The process ends: every run under way is reported as given up. */
void runs_give_up(struct jobs *j);

/* Finishes an request whose runs have all ended, or that never had one. */
void run_request_settle(struct jobs *j, struct run_request *request);

/* Metrics and event of an ended run. */
void run_report(struct jobs *j, const struct job *job, const char *user, const struct job_result *result,
                uint64_t took_us);
/* Shows (after a restart of the process) or hides the time of the last success. */
void last_success_show(struct jobs *j, const struct job *job, const char *user, bool show);

#endif
