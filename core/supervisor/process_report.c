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

void process_restart_count(const struct process_table *t, enum process_id process)
{
	static const struct t3ops_metric family = {.name = "t3ops_process_restarts_total",
	                                           .type = T3OPS_COUNTER,
	                                           .labels = {"process"},
	                                           .help = "Restarts of a process that exited by itself."};

	series_add(process_series(t, &family, process), 1);
}

void build_info_show(struct metrics *metrics)
{
	static const struct t3ops_metric info = {.name = "t3ops_build_info",
	                                         .type = T3OPS_GAUGE,
	                                         .labels = {"version"},
	                                         .help = "Always 1; the label is the version."};

	series_set(metrics_series(metrics, &info, NULL, NULL, (const char *[]){PACKAGE_VERSION}), 1);
}

void process_started_fill(const struct child *c, struct event *e)
{
	event_init(e, EVENT_PROCESS_STARTED, PROCESS_SUPERVISOR);
	event_set(e->text, process_name(c->process));
	e->id = (uint64_t)c->pid;
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

void process_exited_fill(const struct child *c, const siginfo_t *how, struct event *e)
{
	struct watchdog_page in = plugin_code_of(c);
	int n;

	event_init(e, EVENT_PROCESS_EXITED, PROCESS_SUPERVISOR);
	e->code = (uint16_t)how->si_status;
	e->age_us = clock_mono_us() - c->started_us;
	n = snprintf(e->text, sizeof e->text, "%s pid %d %s %d", process_name(c->process), (int)c->pid,
	             how->si_code == CLD_EXITED ? "exited with status" : "was ended by signal", how->si_status);
	if (n > 0 && (size_t)n < sizeof e->text && in.callback[0] != '\0') {
		event_set(e->plugin, in.plugin);
		snprintf(e->text + n, sizeof e->text - (size_t)n, " in callback %.31s", in.callback);
	}
}

void process_killed_fill(const struct child *c, struct event *e)
{
	struct watchdog_page in = plugin_code_of(c);

	event_init(e, EVENT_PROCESS_KILLED, PROCESS_SUPERVISOR);
	if (in.callback[0] != '\0') {
		event_set(e->plugin, in.plugin);
		e->age_us = clock_mono_us() - in.entered_us;
		snprintf(e->text, sizeof e->text, "%s pid %d does not return from callback %.31s",
		         process_name(c->process), (int)c->pid, in.callback);
	} else {
		snprintf(e->text, sizeof e->text, "%s pid %d does not answer", process_name(c->process), (int)c->pid);
	}
}
