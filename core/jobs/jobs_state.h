/* SPDX-License-Identifier: MIT */
/* What the files of the jobs room share: jobs, runs, orders.  For core/jobs only. */
#ifndef T3OPS_JOBS_JOBS_STATE_H
#define T3OPS_JOBS_JOBS_STATE_H

#include <ev.h>
#include <sys/queue.h>

#include "base/room.h"
#include "base/users.h"
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
struct order {
	LIST_ENTRY(order) link;
	uint32_t from;
	uint64_t id;
	size_t total, left, failed;
	char why[400]; /* of the first failure */
};

/*
 * A job for a user:  waiting -> asked (the runner has it) -> gone
 *                       ^         | the runner is busy or not there: again after a pause
 *                       +---------+
 */
struct run {
	TAILQ_ENTRY(run) link;
	struct jobs *jobs;
	struct job *job;
	struct order *order; /* NULL: by schedule */
	char user[64];
	uint64_t id; /* of the question; 0: waiting */
	uint64_t asked_us;
	unsigned tries;
	struct ev_timer timer; /* waiting: the pause; asked: the runner may die with our question */
};

struct jobs {
	struct room *room;
	struct users *users;
	struct job *all;
	size_t n;
	TAILQ_HEAD(run_list, run) runs;
	LIST_HEAD(, order) orders;
	size_t n_asked;
	uint64_t last_id;
};

/* Queues a run, or says why not.  order may be NULL. */
void run_queue(struct job *job, const char *user, struct order *order);
/* Asks the runner for as many waiting runs as may go on at once. */
void runs_pump(struct jobs *j);
/* The runner's answer, or that there is none. */
void runs_answered(struct jobs *j, const struct msg_head *head, const void *payload);
/* The room ends: every run under way is reported as given up. */
void runs_give_up(struct jobs *j);

/* Finishes an order whose runs have all ended, or that never had one. */
void order_settle(struct jobs *j, struct order *order);

/* Metrics and event of an ended run. */
void run_tell(struct jobs *j, const struct job *job, const char *user, const struct job_result *result,
              uint64_t took_us);
/* Shows (after a restart of the room) or hides the time of the last success. */
void last_success_show(struct jobs *j, const struct job *job, const char *user, bool show);

#endif
