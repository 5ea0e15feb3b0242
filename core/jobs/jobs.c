/* SPDX-License-Identifier: MIT */
/* The jobs process: schedules, requests, what it tells about runs; see jobs.h. */
#include "jobs/jobs.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "jobs/jobs_state.h"

/* ---- metrics and events ------------------------------------------------------------------------ */

static const double duration_buckets[] = {0.1, 0.5, 1, 5, 15, 60, 300, 900, 3600};
static const struct t3ops_metric
    last_success = {.name = "t3ops_job_last_success_timestamp_seconds",
                    .type = T3OPS_GAUGE,
                    .labels = {"job", "user"},
                    .help = "When the job last succeeded for the user."},
    runs_total = {.name = "t3ops_job_runs_total",
                  .type = T3OPS_COUNTER,
                  .labels = {"job", "outcome"},
                  .help = "Runs of the job: ok, failed, late, crashed, not_started, overlap or abandoned."},
    duration = {.name = "t3ops_job_duration_seconds",
                .type = T3OPS_HISTOGRAM,
                .labels = {"job"},
                .buckets = duration_buckets,
                .n_buckets = sizeof duration_buckets / sizeof duration_buckets[0],
                .help = "How long a run of the job took, for one user."};

static struct series *series(struct jobs *j, const struct t3ops_metric *family, const char *job, const char *other)
{
	return metrics_series(j->process->metrics, family, NULL, NULL, (const char *[]){job, other});
}

void last_success_show(struct jobs *j, const struct job *job, const char *user, bool show)
{
	struct series *s = series(j, &last_success, job->name, user);

	if (!show || series_value(s) <= 0)
		series_hide(s);
}

void run_report(struct jobs *j, const struct job *job, const char *user, const struct job_result *result,
                uint64_t took_us)
{
	bool ok = strcmp(result->outcome, "ok") == 0;
	struct event e;

	series_add(series(j, &runs_total, job->name, result->outcome), 1);
	if (took_us > 0)
		series_observe(series(j, &duration, job->name, NULL), (double)took_us / 1e6);
	if (ok)
		series_set(series(j, &last_success, job->name, user), (double)clock_wall_us() / 1e6);
	event_init(&e, ok ? EVENT_JOB_DONE : EVENT_JOB_FAILED, PROCESS_JOBS);
	e.age_us = took_us;
	event_set(e.plugin, job->name);
	event_set(e.user, user);
	event_set(e.text, result->text);
	process_emit(j->process, &e);
}

/* ---- requests --------------------------------------------------------------------------------------- */

static void answer_send(struct jobs *j, uint32_t to, uint64_t id, int error, const char *text)
{
	struct msg_reply answer = {.error = error};

	event_set(answer.text, text);
	channel_send(j->process->channel, MSG_JOB_DONE, to, id, &answer, sizeof answer);
}

void run_request_settle(struct jobs *j, struct run_request *request)
{
	char text[480];

	if (request->left > 0)
		return;
	if (request->total == 0)
		snprintf(text, sizeof text, "the user table has nobody with an account here");
	else if (request->failed == 0)
		snprintf(text, sizeof text, "%zu of %zu done", request->total, request->total);
	else
		snprintf(text, sizeof text, "%zu of %zu failed; %s", request->failed, request->total, request->why);
	answer_send(j, request->from, request->id, request->total == 0 ? -ENOENT : request->failed ? -EIO : 0, text);
	LIST_REMOVE(request, link);
	free(request);
}

/* For every user that has an account on this machine; the others' files are elsewhere. */
static size_t all_queue(struct job *job, struct run_request *request)
{
	const struct user_list *l = users_list(job->jobs->users);
	size_t n = 0;

	for (size_t i = 0; i < l->n; i++)
		if (l->rows[i].os_user[0] != '\0') {
			run_queue(job, l->rows[i].name, request);
			n++;
		}
	return n;
}

static struct job *job_find(struct jobs *j, const char *name)
{
	for (size_t i = 0; i < j->n; i++)
		if (strcmp(j->all[i].name, name) == 0)
			return &j->all[i];
	return NULL;
}

static void run_request_take(struct jobs *j, const struct msg_head *head, const struct msg_run *ask)
{
	struct job *job = job_find(j, ask->name);
	struct run_request *request;

	if (!job || (ask->user[0] != '\0' && !users_find(j->users, ask->user))) {
		answer_send(j, head->from, head->id, -ENOENT, job ? "no such user in the user table" : "no such job");
		return;
	}
	request = calloc(1, sizeof *request);
	if (!request) {
		answer_send(j, head->from, head->id, -ENOMEM, "no memory");
		return;
	}
	request->from = head->from;
	request->id = head->id;
	LIST_INSERT_HEAD(&j->requests, request, link);
	if (ask->user[0] != '\0')
		run_queue(job, ask->user, request);
	else
		all_queue(job, request);
	run_request_settle(j, request);
	runs_pump(j);
}

static void message(struct process *process, const struct msg_head *head, const void *payload)
{
	struct jobs *j = process->state;
	struct msg_run ask;

	if (head->type == MSG_RAN || head->type == MSG_UNREACHABLE) {
		runs_answered(j, head, payload);
	} else if (head->type == MSG_JOB_NOW && head->len == sizeof ask) {
		memcpy(&ask, payload, sizeof ask);
		ask.name[sizeof ask.name - 1] = ask.user[sizeof ask.user - 1] = '\0';
		run_request_take(j, head, &ask);
	}
}

/* ---- schedules --------------------------------------------------------------------------------------- */

static ev_tstamp next_run(struct ev_periodic *w, ev_tstamp now)
{
	const struct job *job = w->data;

	return (ev_tstamp)schedule_next(&job->schedule, (uint64_t)(now * 1e6 + 0.5)) / 1e6;
}

static void on_due(struct ev_loop *loop, struct ev_periodic *w, int revents)
{
	struct job *job = w->data;

	(void)loop, (void)revents;
	if (all_queue(job, NULL) == 0)
		log_write(LOG_L_WARNING, "job_skipped", kv_plugin(job->name),
		          kv_error("no user of the table has an account here"));
	runs_pump(job->jobs);
}

static void job_schedule(struct job *job, const struct job_options *options)
{
	char host[256] = "", seed[320], when[64];
	time_t next;
	struct tm tm;

	job->schedule = (struct schedule){.at_minutes = options->at_minutes, .every_us = options->every_us};
	gethostname(host, sizeof host - 1);
	snprintf(seed, sizeof seed, "%s/%s", host, job->name);
	job->schedule.offset_us = schedule_offset(options->jitter_us, seed);
	ev_periodic_init(&job->due, on_due, 0., 0., next_run);
	job->due.data = job;
	if (schedule_next(&job->schedule, clock_wall_us()) == SCHEDULE_NEVER) {
		log_write(LOG_L_INFO, "job_scheduled", kv_plugin(job->name), kv_next("never"));
		return;
	}
	ev_periodic_start(job->jobs->process->loop, &job->due);
	next = (time_t)(schedule_next(&job->schedule, clock_wall_us()) / 1000000);
	strftime(when, sizeof when, "%Y-%m-%dT%H:%M:%S%z", localtime_r(&next, &tm));
	log_write(LOG_L_INFO, "job_scheduled", kv_plugin(job->name), kv_next(when));
}

static int jobs_load(struct jobs *j)
{
	const struct process_config *config = j->process->config;

	j->all = calloc(config->n_plugins + 1, sizeof *j->all);
	if (!j->all)
		return -ENOMEM;
	for (size_t i = 0; i < config->n_plugins; i++) {
		const struct plugin_section *section = config->plugins[i];
		struct job *job = &j->all[j->n];

		if (!(section->roles & T3OPS_ROLE_JOB))
			continue; /* it provides a service for one that is a job */
		j->n++;
		job->jobs = j;
		job->name = section->name;
		job->deadline_us = section->job.deadline_us;
		job_schedule(job, &section->job);
	}
	return 0;
}

/* ---- the process ------------------------------------------------------------------------------------------ */

static void users_show(struct jobs *j, const struct user_list *l, const struct user_list *still)
{
	for (size_t i = 0; i < l->n; i++)
		for (size_t k = 0; k < j->n; k++)
			if (!still || !user_list_find(still, l->rows[i].name))
				last_success_show(j, &j->all[k], l->rows[i].name, still == NULL);
}

static void on_users_changed(void *arg, const struct user_list *before, const struct user_list *now)
{
	users_show(arg, before, now);
}

static void stop(struct process *process)
{
	struct jobs *j = process->state;

	runs_give_up(j);
	for (size_t i = 0; i < j->n; i++)
		ev_periodic_stop(process->loop, &j->all[i].due);
	users_free(j->users);
	free(j->all);
	free(j);
}

static int start(struct process *process)
{
	const struct core_options *core = &process->config->core;
	struct users_source source = {.path = core->users,
	                              .env_pattern = core->instance_env,
	                              .snapshot = process->snapshot,
	                              .must_read = process->succeeds};
	struct jobs *j = calloc(1, sizeof *j);
	int r;

	if (!j)
		return -ENOMEM;
	j->process = process;
	process->state = j;
	TAILQ_INIT(&j->runs);
	LIST_INIT(&j->requests);
	j->users = users_new(process->loop, &source, on_users_changed, users_state_log, j);
	r = j->users ? jobs_load(j) : -errno;
	if (r < 0) {
		if (r == -ENOMEM)
			log_write(LOG_L_ERROR, "start_failed", kv_errno(ENOMEM));
		stop(process);
		return r;
	}
	users_show(j, users_list(j->users), NULL);
	return 0;
}

const struct process_ops jobs_ops = {.start = start, .stop = stop, .message = message};
