/* SPDX-License-Identifier: MIT */
/* Metrics and events of processes; see process_report.h. */
#include "supervisor/process_report.h"

#include <stdio.h>
#include <string.h>

static struct series *process_series(const struct process_table *t, const struct t3ops_metric *family,
                                     enum process_id process)
{
	return metrics_series(t->host.metrics, family, NULL, NULL, (const char *[]){process_name(process)});
}

static bool is_up(const struct process_table *t, const struct setup *setup, enum process_id process)
{
	size_t ready = 0;

	for (unsigned slot = 0; slot < PROCESS_SLOTS; slot++) {
		const struct child *c = t->current[slot];

		if (process_of_slot(slot) != process || !(c || setup_wants(setup, slot)))
			continue;
		if (!c || c->state != PROCESS_READY)
			return false;
		ready++;
	}
	return ready > 0;
}

void process_up_show(const struct process_table *t, const struct setup *setup, enum process_id process)
{
	static const struct t3ops_metric family = {.name = "t3ops_process_up",
	                                           .type = T3OPS_GAUGE,
	                                           .labels = {"process"},
	                                           .help = "Whether the process is ready."};

	series_set(process_series(t, &family, process), is_up(t, setup, process) ? 1 : 0);
}

static struct series *restarts_of(const struct process_table *t, enum process_id process)
{
	static const struct t3ops_metric family = {.name = "t3ops_process_restarts_total",
	                                           .type = T3OPS_COUNTER,
	                                           .labels = {"process"},
	                                           .help = "Restarts of a process that exited by itself."};

	return process_series(t, &family, process);
}

void process_restarts_begin(const struct process_table *t)
{
	for (enum process_id process = PROCESS_PROXY; process <= PROCESS_HELPER; process++)
		restarts_of(t, process);
}

void process_restart_count(const struct process_table *t, enum process_id process)
{
	series_add(restarts_of(t, process), 1);
}

void build_info_show(struct metrics *metrics)
{
	static const struct t3ops_metric info = {.name = "t3ops_build_info",
	                                         .type = T3OPS_GAUGE,
	                                         .labels = {"version"},
	                                         .help = "Always 1; the label is the version."};

	series_set(metrics_series(metrics, &info, NULL, NULL, (const char *[]){PACKAGE_VERSION}), 1);
}

/* What plugin code it is in: read from memory that the process itself writes, and therefore checked. */
static struct watchdog_page plugin_code_of(const struct child *c)
{
	struct watchdog_page page = {0};

	if (c->watchdog)
		memcpy(&page, c->watchdog, sizeof page);
	page.plugin[sizeof page.plugin - 1] = page.callback[sizeof page.callback - 1] = '\0';
	return page;
}

static void process_fill(const struct child *c, enum event_kind kind, struct event *e)
{
	event_init(e, kind, PROCESS_SUPERVISOR);
	event_set(e->text, process_name(c->process));
	e->id = (uint64_t)c->pid;
}

void process_started_fill(const struct child *c, struct event *e)
{
	process_fill(c, EVENT_PROCESS_STARTED, e);
}

void process_exited_fill(const struct child *c, const siginfo_t *how, struct event *e)
{
	struct watchdog_page in = plugin_code_of(c);

	process_fill(c, EVENT_PROCESS_EXITED, e);
	if (how->si_pid == 0)
		e->code = EVENT_EXIT_UNKNOWN; /* another supervisor started it */
	else
		e->code = (uint16_t)(how->si_code == CLD_EXITED ? how->si_status : 128 + how->si_status);
	e->age_us = clock_mono_us() - c->started_us;
	event_set(e->plugin, in.plugin);
	event_set(e->callback, in.callback);
}

void process_killed_fill(const struct child *c, struct event *e)
{
	struct watchdog_page in = plugin_code_of(c);

	process_fill(c, EVENT_PROCESS_KILLED, e);
	event_set(e->plugin, in.plugin);
	event_set(e->callback, in.callback);
	if (in.callback[0] != '\0')
		e->age_us = clock_mono_us() - in.entered_us;
}
