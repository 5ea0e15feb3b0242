/* SPDX-License-Identifier: MIT */
/* Check, setup, transition; see reload.h. */
#include "supervisor/reload.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "supervisor/transition.h"

static void answer(const struct supervisor *s, struct requester requester, int error, const char *text)
{
	struct child *c = requester.serial > 0 ? process_table_find(&s->processes, requester.serial) : NULL;

	if (c) /* else it was a signal, or the monitor is gone */
		channel_reply(c->channel, MSG_RELOADED, c->serial, requester.id, error, text);
}

/* Every error, or the success and every warning. */
static void outcome_answer(const struct supervisor *s, int error, const char *why)
{
	const struct check_report *report = &s->reload.report;
	struct buf text = {0};

	if (error == 0)
		buf_add_text(&text, "the new configuration is active");
	else if (report->n_errors == 0)
		buf_add_text(&text, why);
	check_report_text(report, error == 0 ? CONFIG_WARNING : CONFIG_ERROR, &text);
	answer(s, s->reload.requester, error, buf_add(&text, "", 1) ? buf_at(&text) : why);
	buf_fini(&text);
}

static void finish(struct supervisor *s, int error, const char *why)
{
	outcome_answer(s, error, why);
	check_report_clear(&s->reload.report);
	s->reload.done(s, error, why);
}

/* ---- the check ---------------------------------------------------------------------------------------- */

/* Plugins are loaded there: what the processes share must be out of their reach. */
static void on_fork(void *arg)
{
	struct supervisor *s = arg;

	process_table_unmap(&s->processes);
	fd_store_inherit(&s->fd_store, PROCESS_NONE, 0);
	user_snapshots_inherit(&s->snapshots, PROCESS_NONE);
	metrics_free(s->metrics);
}

static void on_config_report(void *arg, enum config_severity severity, const char *line)
{
	struct supervisor *s = arg;

	check_report_add(&s->reload.report, severity, line);
}

/* At a start the lines of the errors were just logged; the event of a reload stands alone in the journal. */
static void why_set(struct supervisor *s)
{
	struct reload *r = &s->reload;

	if (s->phase == PHASE_BOOT)
		snprintf(r->why, sizeof r->why, "the configuration has %zu error%s", r->report.n_errors,
		         r->report.n_errors == 1 ? "" : "s");
	else
		check_report_summary(&r->report, r->why, sizeof r->why);
}

static void on_checked(void *arg, struct resolved_config *config)
{
	struct supervisor *s = arg;
	struct reload *r = &s->reload;
	struct setup next;
	int error;

	r->check = NULL;
	if (config && s->phase == PHASE_BOOT) {
		log_level_set(config->options.log_level);
		log_format_set(config->options.log_format);
	}
	check_report_log(&r->report);
	if (!config) {
		conf_text_fini(&r->conf);
		why_set(s);
		finish(s, -EINVAL, r->why);
		return;
	}
	error = setup_make(&next, &r->conf, config, &s->setup, &s->socket_unit, r->why, sizeof r->why);
	if (error < 0)
		finish(s, error, r->why);
	else
		transition_begin(s, &next, r->everything, finish);
}

/* 0, or -errno with the reason in why. */
static int check_start(struct supervisor *s)
{
	struct reload *r = &s->reload;
	const struct resolve_child_start start = {.text = &r->conf,
	                                          .checks = s->args->checks,
	                                          .timeout_us = RESOLVE_TIMEOUT_US,
	                                          .on_fork = on_fork,
	                                          .on_report = on_config_report,
	                                          .on_done = on_checked,
	                                          .arg = s};
	int error = conf_text_read(&r->conf, s->args->conf_path);

	if (error < 0) {
		snprintf(r->why, sizeof r->why, "%s: %s", s->args->conf_path, conf_text_error(error));
		return error;
	}
	r->check = resolve_child_start(s->loop, &start);
	if (r->check)
		return 0;
	error = -errno;
	snprintf(r->why, sizeof r->why, "the configuration cannot be checked: %s", strerror(-error));
	conf_text_fini(&r->conf);
	return error;
}

/* ---- who asks ------------------------------------------------------------------------------------------ */

bool reload_is_busy(const struct supervisor *s)
{
	return s->phase != PHASE_RUNNING || s->reload.check || s->transition.running || s->upgrade.check ||
	       s->upgrade.leaving;
}

void reload_begin(struct supervisor *s, struct requester requester, bool everything, outcome_cb done)
{
	struct reload *r = &s->reload;
	int error;

	r->requester = requester;
	r->everything = everything;
	r->done = done;
	r->why[0] = '\0';
	error = check_start(s);
	if (error < 0)
		finish(s, error, r->why);
}

/* A signal waits with whoever else does: the file is read when their turn comes. */
static void reload_queue(struct supervisor *s, struct requester requester)
{
	struct reload *r = &s->reload;

	if (r->queued && r->queued_requester.serial > 0 && requester.serial > 0) {
		answer(s, requester, -EBUSY, "a reload is in progress and another one waits; ask again later");
		return;
	}
	if (!r->queued || requester.serial > 0)
		r->queued_requester = requester;
	r->queued = true;
	log_write(LOG_L_NOTICE, "reload_queued", kv_detail("a reload or an upgrade is in progress"));
}

void reload_request(struct supervisor *s, struct requester requester, outcome_cb done)
{
	if (s->phase == PHASE_STOPPING)
		answer(s, requester, -ECANCELED, "the daemon is stopping");
	else if (reload_is_busy(s))
		reload_queue(s, requester);
	else
		reload_begin(s, requester, false, done);
}

void reload_next(struct supervisor *s, outcome_cb done)
{
	struct reload *r = &s->reload;

	if (!r->queued || reload_is_busy(s))
		return;
	r->queued = false;
	reload_begin(s, r->queued_requester, false, done);
}

void reload_cancel(struct supervisor *s)
{
	if (s->reload.check || s->transition.running)
		answer(s, s->reload.requester, -ECANCELED, "the daemon is stopping");
	if (s->reload.queued)
		answer(s, s->reload.queued_requester, -ECANCELED, "the daemon is stopping");
	resolve_child_cancel(s->reload.check);
	s->reload.check = NULL;
	s->reload.queued = false;
	conf_text_fini(&s->reload.conf);
	check_report_clear(&s->reload.report);
	transition_cancel(s);
}
