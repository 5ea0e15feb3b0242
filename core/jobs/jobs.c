/* SPDX-License-Identifier: MIT */
/* The jobs process: schedules, and requests to run a job now; see jobs.h. */
#include "jobs/jobs.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "conf/account.h"
#include "jobs/job_report.h"
#include "jobs/last_success.h"
#include "jobs/run_request.h"
#include "jobs/runs.h"
#include "sys/time_text.h"

/* ---- requests --------------------------------------------------------------------------------------- */

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
		run_request_refuse(j, head, -ENOENT,
		                   job ? textf("no such user in the user table: \"%s\"", ask->user) : "no such job");
		return;
	}
	request = run_request_new(j, head, ask);
	if (!request) {
		run_request_refuse(j, head, -ENOMEM, "no memory");
		return;
	}
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
		runs_message(j, head, payload);
	} else if (head->type == MSG_JOB_NOW && head->len == sizeof ask) {
		msg_run_read(&ask, payload);
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
	char host[256] = "", seed[320], when[TIME_TEXT_SIZE];

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
	time_text(schedule_next(&job->schedule, clock_wall_us()), when);
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
		job_report_begin(j, job);
	}
	return 0;
}

/* ---- the process ------------------------------------------------------------------------------------------ */

static void users_show(struct jobs *j, const struct user_list *l, const struct user_list *still)
{
	for (size_t i = 0; i < l->n; i++)
		for (size_t k = 0; k < j->n; k++)
			if (l->rows[i].os_user[0] != '\0' && (!still || !user_list_find(still, l->rows[i].name)))
				job_report_user(j, &j->all[k], l->rows[i].name, still == NULL);
}

static void on_users_changed(void *arg, const struct user_list *before, const struct user_list *now)
{
	users_show(arg, before, now);
}

static void stop(struct process *process)
{
	struct jobs *j = process->state;

	runs_abandon(j);
	for (size_t i = 0; i < j->n; i++)
		ev_periodic_stop(process->loop, &j->all[i].due);
	users_free(j->users);
	last_success_close(j->last_success);
	free(j->all);
	free(j);
}

static int start(struct process *process)
{
	const struct core_options *core = &process->config->core;
	struct jobs *j = calloc(1, sizeof *j);
	int r;

	if (!j)
		return -ENOMEM;
	j->process = process;
	process->state = j;
	TAILQ_INIT(&j->runs);
	LIST_INIT(&j->requests);
	j->last_success = last_success_open(core->state_dir);
	if (j->last_success)
		j->users = users_new(process->users_reader, on_users_changed, users_state_log, j);
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

static void check(const struct process_config *config, const struct user_list *users, const struct config_faults *f)
{
	char buf[200];
	const char *fault = last_success_fault(config->core.state_dir, buf, sizeof buf);
	uid_t own;

	(void)users;
	if (fault && !process_account_own(PROCESS_JOBS, &config->core, &own)) /* which alone may read it */
		config_fault_warn(f, CONF_CORE, NULL, "state_dir",
		                  "state_dir = \"%.200s\": job_last_success.json: %s; it is not known when jobs last "
		                  "succeeded: remove it",
		                  config->core.state_dir, fault);
}

/* It keeps when jobs last succeeded, below a state_dir that may be made or replaced later. */
static void confine(struct process *process, struct confinement *c)
{
	confinement_read_system(c);
	confinement_write_beside(c, process->config->core.state_dir);
}

const struct process_ops jobs_ops = {
    .check = check, .start = start, .stop = stop, .confine = confine, .message = message};
