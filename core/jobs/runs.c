/* SPDX-License-Identifier: MIT */
/* Runs from the queue to their end; see runs.h. */
#include "jobs/runs.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "jobs/job_report.h"
#include "jobs/run_request.h"

#define AT_ONCE       2 /* the helper also mints: jobs leave it room */
#define TRIES_MAX     30
#define RETRY_PAUSE_S 1.
#define GUARD_GRACE_S 30. /* beyond the deadline, which the helper enforces */

static struct run *run_find(struct jobs *j, const struct job *job, const char *user)
{
	struct run *run;

	TAILQ_FOREACH (run, &j->runs, link) {
		if (run->job == job && strcmp(run->user, user) == 0)
			break;
	}
	return run;
}

/* An ended run, or one that never began. */
static void end_count(struct jobs *j, const struct job *job, const char *user, struct run_request *request,
                      const struct job_result *result, uint64_t took_us)
{
	if (request && request->ask.action[0] != '\0')
		job_report_action(j, job, user, request->ask.action, result, took_us);
	else
		job_report_end(j, job, user, result, took_us);
	if (request)
		run_request_ended(request, user, result);
}

static void run_end(struct run *run, const struct job_result *result)
{
	struct jobs *j = run->jobs;
	struct run_request *request = run->request;

	ev_timer_stop(j->process->loop, &run->timer);
	TAILQ_REMOVE(&j->runs, run, link);
	if (run->id != 0)
		j->n_asked--;
	end_count(j, run->job, run->user, request, result, run->asked_us ? clock_mono_us() - run->asked_us : 0);
	free(run);
	if (request)
		run_request_settle(j, request);
}

static void on_pause_over(struct ev_loop *loop, struct ev_timer *w, int revents)
{
	struct run *run = w->data;

	(void)loop, (void)revents;
	runs_pump(run->jobs);
}

static void on_guard(struct ev_loop *loop, struct ev_timer *w, int revents)
{
	struct run *run = w->data;
	struct jobs *j = run->jobs;
	struct job_result result;

	(void)loop, (void)revents;
	job_result_set(&result, "late", "the helper did not report its end; it was probably restarted meanwhile");
	run_end(run, &result);
	runs_pump(j);
}

static void timer_set(struct run *run, void (*cb)(struct ev_loop *, struct ev_timer *, int), double after_s)
{
	struct ev_loop *loop = run->jobs->process->loop;

	ev_timer_stop(loop, &run->timer);
	ev_timer_init(&run->timer, cb, after_s, 0.);
	run->timer.data = run;
	ev_timer_start(loop, &run->timer);
}

/* Back to waiting, unless that happened often enough. */
static void run_retry(struct run *run, int error)
{
	struct job_result result;

	if (run->id != 0)
		run->jobs->n_asked--;
	run->id = 0;
	if (++run->tries < TRIES_MAX) {
		timer_set(run, on_pause_over, RETRY_PAUSE_S);
		return;
	}
	job_result_set(&result, "not_started", "the helper could not take it in %d attempts: %s", TRIES_MAX,
	               strerror(-error));
	run_end(run, &result);
}

static void run_ask(struct run *run)
{
	struct jobs *j = run->jobs;
	struct msg_run ask = {.job = 1,
	                      .requested = run->request != NULL,
	                      .for_all = run->request == NULL || run->request->ask.user[0] == '\0'};

	event_set(ask.name, run->job->name);
	event_set(ask.user, run->user);
	strcpy(ask.action, run->action);
	strcpy(ask.arguments, run->arguments);
	run->id = ++j->last_id;
	run->asked_us = clock_mono_us();
	j->n_asked++;
	timer_set(run, on_guard, (double)run->job->deadline_us / 1e6 + GUARD_GRACE_S);
	if (channel_send(j->process->channel, MSG_RUN, PROCESS_HELPER, run->id, &ask, sizeof ask) < 0)
		run_retry(run, -ENOBUFS);
}

void runs_pump(struct jobs *j)
{
	struct run *run, *next;

	for (run = TAILQ_FIRST(&j->runs); run && j->n_asked < AT_ONCE; run = next) {
		next = TAILQ_NEXT(run, link);
		if (run->id == 0 && !ev_is_active(&run->timer))
			run_ask(run);
	}
}

/* Somebody asked for this user by name. */
static bool is_named(const struct run *run)
{
	return run->request && run->request->ask.user[0] != '\0';
}

/* What was asked for by name comes before what is done for everybody, however long that takes. */
static void run_insert(struct jobs *j, struct run *run)
{
	struct run *other = NULL;

	if (is_named(run))
		TAILQ_FOREACH (other, &j->runs, link)
			if (other->id == 0 && !is_named(other))
				break;
	if (other)
		TAILQ_INSERT_BEFORE(other, run, link);
	else
		TAILQ_INSERT_TAIL(&j->runs, run, link);
}

/* Even one that only reads waits: what an earlier process left is swept before each. */
static void overlap_set(struct job_result *result, const struct run *other)
{
	const char *job = other->job->name, *action = other->action[0] != '\0' ? other->action : "now";

	if (other->id != 0)
		job_result_set(
		    result, "overlap",
		    "not started: another run for this user is still in progress (%s %s, for %.0f s, at most "
		    "%.0f s); ask again when it is over",
		    job, action, (double)(clock_mono_us() - other->asked_us) / 1e6,
		    (double)other->job->deadline_us / 1e6);
	else
		job_result_set(
		    result, "overlap",
		    "not started: another run for this user is already waiting (%s %s); ask again when it is "
		    "over",
		    job, action);
}

void run_queue(struct job *job, const char *user, struct run_request *request)
{
	struct jobs *j = job->jobs;
	struct run *other = run_find(j, job, user), *run = other ? NULL : calloc(1, sizeof *run);
	struct job_result result;

	if (request)
		run_request_add(request);
	if (!run) {
		if (other)
			overlap_set(&result, other);
		else
			job_result_set(&result, "not_started", "no memory");
		end_count(j, job, user, request, &result, 0);
		return;
	}
	run->jobs = j;
	run->job = job;
	run->request = request;
	event_set(run->user, user);
	if (request) {
		strcpy(run->action, request->ask.action);
		strcpy(run->arguments, request->ask.arguments);
	}
	ev_init(&run->timer, on_pause_over);
	run_insert(j, run);
}

void runs_message(struct jobs *j, const struct msg_head *head, const void *payload)
{
	struct job_result result;
	struct msg_ran ran = {.error = -EHOSTDOWN};
	struct run *run;

	TAILQ_FOREACH (run, &j->runs, link) {
		if (run->id != 0 && run->id == head->id)
			break;
	}
	if (!run)
		return;
	if (head->type == MSG_RAN && head->len >= sizeof ran)
		memcpy(&ran, payload, sizeof ran);
	if (ran.error == -EHOSTDOWN || ran.error == -EAGAIN) {
		run_retry(run, ran.error);
	} else {
		job_result_read(&result, &ran, (const char *)payload + sizeof ran, head->len - sizeof ran,
		                run->job->deadline_us);
		run_end(run, &result);
		job_result_fini(&result);
	}
	runs_pump(j);
}

void runs_abandon(struct jobs *j)
{
	struct job_result result;
	struct run *run;

	job_result_set(&result, "abandoned", "t3ops stopped or was reloaded before the run was over");
	while ((run = TAILQ_FIRST(&j->runs)))
		run_end(run, &result);
}
