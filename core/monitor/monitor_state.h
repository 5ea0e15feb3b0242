/* SPDX-License-Identifier: MIT */
/* What the monitor's own files share: monitor.c, status.c, pages.c, control.c.  Nobody else includes it. */
#ifndef T3OPS_MONITOR_MONITOR_STATE_H
#define T3OPS_MONITOR_MONITOR_STATE_H

#include <ev.h>

#include "plugin_host/plugin_host.h"
#include "process/process.h"
#include "diagnosis/incident.h"
#include "monitor/journal.h"
#include "monitor/local_server.h"
#include "diagnosis/verdict.h"

#define MONITOR_PROCESSES_MAX 32 /* processes known at a time, draining ones included */

struct control;

struct monitor {
	struct process *process;
	struct journal *journal; /* NULL only while starting */
	struct incidents *incidents;
	struct verdict_ring verdicts;
	struct plugin_host *plugins; /* NULL: there are no watch plugins */
	struct local_server *pages;  /* NULL: no such listener */
	struct control *control;     /* NULL: no such listener */
	struct ev_timer due, sample;
	struct msg_process processes[MONITOR_PROCESSES_MAX];
	size_t n_processes;
	uint32_t prober_serial; /* events of older legs processes are history */
	uint64_t started_us;    /* CLOCK_MONOTONIC */
	struct series *open_gauge, *lost_gauge;
};

/* status.c.  New references. */
json_t *status_json(const struct monitor *d);
json_t *legs_json(const struct monitor *d);

/* status_page.c: the same for a person's browser; the caller frees it.  NULL without memory. */
char *status_html(const json_t *status, size_t *len);

/* pages.c: /metrics /status /verdicts /healthz.  The server's arg is the monitor. */
extern const struct local_rules pages_rules;
/* The whole metrics page; the caller frees it.  NULL without memory. */
char *metrics_text(struct metrics *m, size_t *len);

/* control.c */
struct control *control_new(struct monitor *d, int fd);
/* Runs the loop for a moment if a reload is still to be answered. */
void control_free(struct control *c);
/* An answer of the supervisor (MSG_RELOADED), of jobs (MSG_JOB_DONE), or MSG_UNREACHABLE. */
void control_message(struct control *c, const struct msg_head *head, const void *payload);
/* A new verdict, for those who follow. */
void control_verdict(struct control *c, const json_t *verdict);
/* An event, for those who follow. */
void control_event(struct control *c, const struct event *e);

#endif
