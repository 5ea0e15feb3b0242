/* SPDX-License-Identifier: MIT */
/* See automatic.h. */
#include "automatic.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "outcomes.h"
#include "window.h"

static bool is_on(const struct fleet *f)
{
	return f->ctx->host->opt_bool(f->ctx, "automatic");
}

/* What was proven last; NULL: nothing is ready. */
static const char *ready_to(const struct fleet *f)
{
	const char *user, *to = NULL;
	json_t *value;

	json_object_foreach (f->ready, user, value)
		to = json_string_value(value);
	return to;
}

bool automatic_was_refused(const char *outcome, const char *last_to, const char *to)
{
	static const char *const bad[] = {"rejected", "rolled_back", "failed"};

	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		if (strncmp(outcome, bad[i], strlen(bad[i])) == 0)
			return strcmp(last_to, to) == 0;
	return false;
}

static bool was_refused(const struct fleet *f, const char *to)
{
	const char *last_to = json_string_value(json_object_get(json_object_get(f->all, "arguments"), "to"));

	return automatic_was_refused(fleet_text(f, "outcome"), last_to != NULL ? last_to : "", to);
}

static void say(const struct fleet *f, const char *event)
{
	char text[600];

	automatic_text(f, text, sizeof text);
	f->ctx->host->log(f->ctx, T3OPS_NOTICE, event, "%s", text);
}

static void on_due(struct t3ops_ctx *ctx, void *arg);

/* Not at once: runs of others, that began at the same time, may be about to end. */
static void due_set(struct fleet *f)
{
	if (f->due == NULL)
		f->due = f->ctx->host->timer_start(f->ctx, (uint64_t)f->ctx->host->opt_int(f->ctx, "retry"), 0,
		                                   on_due, f);
}

static void begin(struct fleet *f, const char *to)
{
	json_t *arguments = json_pack("{s:s, s:s}", "to", to, "automatic", "");
	char text[300];

	snprintf(text, sizeof text, "by itself, to %.200s", to);
	fleet_begin(f, arguments, text);
}

static void on_due(struct t3ops_ctx *ctx, void *arg)
{
	struct fleet *f = arg;
	const char *to = ready_to(f);
	char window[80];
	bool waited = f->is_waiting_for_hours;

	f->due = NULL;
	f->is_waiting_for_hours = false;
	if (to == NULL || f->state != IDLE)
		return;
	if (was_refused(f, to)) {
		say(f, "rollout_not_begun");
		json_object_clear(f->ready);
	} else if (window_is_open(ctx, window, sizeof window)) {
		begin(f, to);
	} else {
		f->is_waiting_for_hours = true;
		if (!waited)
			say(f, "rollout_waits");
		due_set(f);
	}
}

static bool is_frozen(const struct t3ops_event *e)
{
	char value[8];

	return outcome_fact(e->line, "frozen", value, sizeof value) && strcmp(value, "yes") == 0;
}

/* Of a run that ended since the last rollout did. */
static bool is_ready(const struct fleet *f, const struct t3ops_event *e, char *to, size_t size)
{
	json_int_t since_s = json_integer_value(json_object_get(f->all, "since"));

	return strcmp(e->kind, "job_done") == 0 && f->state == IDLE &&
	       (json_int_t)(e->time_us / 1000000) >= since_s && outcome_fact(e->line, "ready", to, size);
}

void automatic_event(struct fleet *f, const struct t3ops_event *e)
{
	char to[PATH_MAX];

	if (!is_on(f) || strcmp(e->plugin, f->ctx->name) != 0 || *e->user == '\0')
		return;
	if (strncmp(e->kind, "job_", 4) == 0 || is_frozen(e))
		json_object_del(f->ready, e->user);
	if (is_frozen(e) || !is_ready(f, e, to, sizeof to))
		return;
	json_object_set_new(f->ready, e->user, json_string(to));
	due_set(f);
}

void automatic_text(const struct fleet *f, char *text, size_t size)
{
	const char *to = ready_to(f);
	char window[80];

	if (!is_on(f))
		snprintf(text, size, "no");
	else if (f->state != IDLE)
		snprintf(text, size, "a rollout is in progress");
	else if (to == NULL)
		snprintf(text, size, "when a run has proven a version that a user has not");
	else if (was_refused(f, to))
		snprintf(text, size, "not to %.200s, since its last rollout ended so: %.300s", to,
		         fleet_text(f, "outcome"));
	else if (window_is_open(f->ctx, window, sizeof window))
		snprintf(text, size, "in a moment, to %.200s", to);
	else
		snprintf(text, size, "to %.200s, in the hours %s", to, window);
}
