/* SPDX-License-Identifier: MIT */
/* What the files of the jobs process share: jobs, runs, run requests.  Types only; for core/jobs only. */
#ifndef T3OPS_JOBS_JOBS_STATE_H
#define T3OPS_JOBS_JOBS_STATE_H

#include <ev.h>
#include <sys/queue.h>

#include "jobs/schedule.h"
#include "process/process.h"
#include "sys/buf.h"
#include "users/users.h"

/* One job section. */
struct job {
	struct jobs *jobs;
	const char *name;
	uint64_t deadline_us;
	struct schedule schedule;
	struct ev_periodic due;
};

/* Somebody asked for a job to run now, or for an action of it; answered when its last run has ended. */
struct run_request {
	LIST_ENTRY(run_request) link;
	uint32_t from;
	uint64_t id;
	struct msg_run ask;
	size_t total, left, failed, absent;
	char why[400];   /* of the first failure */
	char note[400];  /* the first one of a good run */
	struct buf rows; /* of an action's answers: JSON, one a line */
	size_t rows_left_out;
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
	char user[T3OPS_USER_NAME_SIZE];
	char action[32], arguments[1024]; /* as in struct msg_run */
	uint64_t id;                      /* of the message to the helper; 0: waiting */
	uint64_t asked_us;
	unsigned tries;
	struct ev_timer timer; /* waiting: the pause; asked: the helper may end before it answers */
};

struct jobs {
	struct process *process;
	struct users *users;
	struct last_success *last_success;
	struct job *all;
	size_t n;
	TAILQ_HEAD(run_list, run) runs;
	LIST_HEAD(, run_request) requests;
	size_t n_asked;
	uint64_t last_id;
};

#endif
