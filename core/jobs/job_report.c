/* SPDX-License-Identifier: MIT */
/* Metrics and events of runs; see job_report.h. */
#include "jobs/job_report.h"

#include <string.h>

#include "jobs/last_success.h"

/* The label is called task: Prometheus overwrites one that is called job. */
static const double duration_buckets[] = {0.1, 0.5, 1, 5, 15, 60, 300, 900, 3600};
static const struct t3ops_metric
    last_success = {.name = "t3ops_job_last_success_timestamp_seconds",
                    .type = T3OPS_GAUGE,
                    .labels = {"task", "user"},
                    .help = "When the job last succeeded for the user, in seconds since 1970; 0: it never did."},
    runs_total =
        {.name = "t3ops_job_runs_total",
         .type = T3OPS_COUNTER,
         .labels = {"task", "outcome"},
         .help =
             "Runs of the job, by outcome: ok, failed, late, crashed, not_started, overlap, abandoned or absent."},
    duration = {.name = "t3ops_job_duration_seconds",
                .type = T3OPS_HISTOGRAM,
                .labels = {"task"},
                .buckets = duration_buckets,
                .n_buckets = sizeof duration_buckets / sizeof duration_buckets[0],
                .help = "How long a run of the job took, for one user."};

static struct series *series(struct jobs *j, const struct t3ops_metric *family, const char *job, const char *other)
{
	return metrics_series(j->process->metrics, family, NULL, NULL, (const char *[]){job, other});
}

void job_report_begin(struct jobs *j, const struct job *job)
{
	for (size_t i = 0; i < n_job_outcomes; i++)
		series_add(series(j, &runs_total, job->name, job_outcomes[i]), 0);
}

void job_report_user(struct jobs *j, const struct job *job, const char *user, bool show)
{
	struct series *s = series(j, &last_success, job->name, user);

	series_set(s, (double)last_success_get(j->last_success, job->name, user) / 1e6);
	if (!show)
		series_hide(s);
}

static void end_emit(struct jobs *j, enum event_kind kind, const struct job *job, const char *user, const char *text,
                     uint64_t took_us)
{
	struct event e;

	event_init(&e, kind, PROCESS_JOBS);
	e.age_us = took_us;
	event_set(e.plugin, job->name);
	event_set(e.user, user);
	event_set(e.text, text);
	process_emit(j->process, &e);
}

void job_report_end(struct jobs *j, const struct job *job, const char *user, const struct job_result *result,
                    uint64_t took_us)
{
	bool ok = strcmp(result->outcome, "ok") == 0, absent = strcmp(result->outcome, "absent") == 0;

	series_add(series(j, &runs_total, job->name, result->outcome), 1);
	if (took_us > 0)
		series_observe(series(j, &duration, job->name, NULL), (double)took_us / 1e6);
	if (ok) {
		last_success_set(j->last_success, job->name, user, clock_wall_us());
		job_report_user(j, job, user, true);
	}
	if (absent)
		job_report_user(j, job, user, last_success_get(j->last_success, job->name, user) != 0);
	end_emit(j,
	         ok       ? EVENT_JOB_DONE
	         : absent ? EVENT_JOB_ABSENT
	                  : EVENT_JOB_FAILED,
	         job, user, result->text, took_us);
}

void job_report_action(struct jobs *j, const struct job *job, const char *user, const char *action,
                       const struct job_result *result, uint64_t took_us)
{
	bool ok = strcmp(result->outcome, "ok") == 0;

	end_emit(j, ok ? EVENT_ACTION_DONE : EVENT_ACTION_FAILED, job, user,
	         textf("%s%s%s", action, ok ? " " : ": ", result->text), took_us);
}
