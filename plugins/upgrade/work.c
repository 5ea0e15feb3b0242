/* SPDX-License-Identifier: MIT */
/* See work.h. */
#include "work.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

int work_fail(struct work *w, int error, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(w->why, sizeof w->why, fmt, ap);
	va_end(ap);
	return error;
}

long long work_now_s(const struct work *w)
{
	return (long long)(w->ctx->host->wall_us(w->ctx) / 1000000);
}

struct candidate *work_candidate(struct work *w)
{
	w->next = (struct candidate){.ctx = w->ctx,
	                             .user = w->user,
	                             .state = &w->state,
	                             .installed = w->installed,
	                             .database = w->database,
	                             .until_us = w->until_us};
	candidate_init(&w->next);
	return &w->next;
}

struct survey work_survey(struct work *w)
{
	return (struct survey){
	    .ctx = w->ctx, .user = w->user, .state = &w->state, .database = w->database, .installed = w->installed};
}

const char *work_version(struct work *w, const char *prefix)
{
	return *prefix != '\0' ? prefix_version(&w->next.prefixes, prefix) : "";
}

/* Seconds since 1970 are for the state; people read "2026-11-27T03:30:00Z". */
static void time_report(struct work *w, const json_t *report)
{
	const char *text = json_string_value(json_object_get(report, "time"));
	time_t at = text != NULL ? (time_t)strtoll(text, NULL, 10) : 0;
	char out[32];
	struct tm tm;

	if (at > 0 && gmtime_r(&at, &tm) != NULL && strftime(out, sizeof out, "%Y-%m-%dT%H:%M:%SZ", &tm) > 0)
		w->ctx->host->report(w->ctx, "time", "%s", out);
}

void work_report_row(struct work *w, const json_t *report)
{
	static const char *const keys[] = {"verdict", "reason",    "candidate",         "to",
	                                   "version", "installed", "installed_version", "contract",
	                                   "schema",  "migration", "sessions_lost",     "rollback",
	                                   "control", "start_ms",  "seconds",           "bytes"};

	for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
		const char *text = json_string_value(json_object_get(report, keys[i]));

		if (text != NULL && *text != '\0')
			w->ctx->host->report(w->ctx, keys[i], "%s", text);
	}
	time_report(w, report);
	w->ctx->host->report_row(w->ctx);
}
