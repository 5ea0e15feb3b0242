/* SPDX-License-Identifier: MIT */
/* See survey.h. */
#include "survey.h"

#include <stdio.h>
#include <string.h>

#include "common/idle.h"
#include "window.h"

const char *survey_busy(struct survey *s, char *why, size_t size)
{
	struct user_server server = {.ctx = s->ctx, .user = s->user, .database = s->database};
	struct idle idle = {.server = &server,
	                    .quiet_us = (uint64_t)s->ctx->host->opt_int(s->ctx, "idle_for"),
	                    .ignored = "ignore_processes"};
	const char *busy = idle_busy(&idle, why, size);
	char window[80];

	s->input_s = idle.input_s;
	if (busy == NULL && !window_is_open(s->ctx, window, sizeof window)) {
		snprintf(why, size, "nobody is moved outside of the hours %s", window);
		busy = why;
	}
	return busy;
}

void survey_row(struct survey *s, long long now_s)
{
	const struct t3ops_host *host = s->ctx->host;
	const char *frozen = state_frozen(s->state, now_s), *phase = state_text(s->state, "phase");
	char why[300];
	const char *busy = survey_busy(s, why, sizeof why);

	host->report(s->ctx, "installed", "%s", s->installed);
	host->report(s->ctx, "busy", "%s", busy != NULL ? busy : "");
	host->report(s->ctx, "input_s", "%lld", (long long)s->input_s);
	host->report(s->ctx, "frozen", "%.100s", frozen != NULL ? frozen : "");
	host->report(s->ctx, "phase", "%s", *phase != '\0' ? phase : "IDLE");
	host->report_row(s->ctx);
}

void survey_next_report(struct survey *s)
{
	const char *wanted = state_text(s->state, "wanted"), *busy;
	char why[300];

	if (*wanted == '\0')
		return;
	busy = survey_busy(s, why, sizeof why);
	s->ctx->host->report(s->ctx, "next", "will migrate %s%s, to %.150s",
	                     busy != NULL ? "at the next quiet gap, because " : "when it is this user's turn",
	                     busy != NULL ? busy : "", wanted);
}

void survey_want(struct state *s, const char *prefix)
{
	if (prefix != NULL)
		json_object_set_new(s->all, "wanted", json_string(prefix));
	else
		json_object_del(s->all, "wanted");
}
