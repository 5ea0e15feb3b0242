/* SPDX-License-Identifier: MIT */
/* See known.h. */
#include "known.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/due.h"
#include "common/user_server.h"
#include "managed.h"
#include "part.h"
#include "running.h"
#include "seen.h"
#include "version.h"
#include "window.h"

#define HOUR_S     3600
#define FROZEN_WHY "somebody asked for it"

/* What runs now may be older than what the link leads to: a server that was not restarted. */
static void versions_report(struct work *w)
{
	const struct t3ops_host *host = w->ctx->host;
	char window[80], managed[400], running[VERSION_SIZE];

	work_candidate(w);
	window_is_open(w->ctx, window, sizeof window);
	managed_find(w->user, w->base_dir, w->database, managed, sizeof managed);
	running_version(w->ctx, w->user, running);
	host->report(w->ctx, "current", "%s", work_version(w, w->installed));
	host->report(w->ctx, "running", "%s", *running != '\0' ? running : "nothing answers");
	host->report(w->ctx, "last_good", "%s", work_version(w, state_text(&w->state, "last_good")));
	host->report(w->ctx, "candidate", "%s", state_text(&w->state, "candidate"));
	host->report(w->ctx, "rollback_to", "%s", work_version(w, state_text(&w->state, "previous")));
	host->report(w->ctx, "pinned", "%s", *candidate_pin(&w->state) != '\0' ? candidate_pin(&w->state) : "no");
	host->report(w->ctx, "window", "%s", window);
	host->report(w->ctx, "automatic", "%s", host->opt_bool(w->ctx, "automatic") ? "yes" : "no");
	host->report(w->ctx, "managed_by", "%s", managed);
}

static void frozen_report(struct work *w, const json_t *frozen)
{
	time_t until = (time_t)json_integer_value(json_object_get(frozen, "until"));
	const char *who = json_string_value(json_object_get(frozen, "who"));
	char text[64] = "somebody unfreezes it";
	struct tm local;

	if (until > 0 && localtime_r(&until, &local) != NULL)
		strftime(text, sizeof text, "%Y-%m-%d %H:%M %Z", &local);
	w->ctx->host->report(w->ctx, "frozen_until", "%s", text);
	if (who != NULL)
		w->ctx->host->report(w->ctx, "frozen_by", "%s", who);
}

int known_status(struct work *w)
{
	const struct t3ops_host *host = w->ctx->host;
	const json_t *report = json_object_get(w->state.all, "report");
	const char *frozen = state_frozen(&w->state, work_now_s(w)), *verdict;
	const char *phase = state_text(&w->state, "phase");
	struct survey survey = work_survey(w);

	verdict = json_string_value(json_object_get(report, "verdict"));
	host->report(w->ctx, "phase", "%s", *phase != '\0' ? phase : "IDLE");
	host->report(w->ctx, "installed", "%s", w->installed);
	host->report(w->ctx, "checked", "%s",
	             verdict != NULL ? json_string_value(json_object_get(report, "candidate")) : "");
	host->report(w->ctx, "verdict", "%s", verdict != NULL ? verdict : "");
	host->report(w->ctx, "frozen", "%s", frozen != NULL ? frozen : "no");
	if (frozen != NULL)
		frozen_report(w, json_object_get(w->state.all, "frozen"));
	versions_report(w);
	survey_next_report(&survey);
	host->report_row(w->ctx);
	return 0;
}

/* --settle: no rollout is going to move the user any more; --part: of those users only. */
int known_survey(struct work *w)
{
	struct survey survey = work_survey(w);

	if (!part_has(w->ctx->host->argument(w->ctx, "part"), w->user->name))
		return 0;
	survey_row(&survey, work_now_s(w));
	if (w->ctx->host->argument(w->ctx, "settle") == NULL || *state_text(&w->state, "wanted") == '\0')
		return 0;
	survey_want(&w->state, NULL);
	return state_save(&w->state, w->why, sizeof w->why);
}

int known_verify(struct work *w)
{
	struct user_server server = {.ctx = w->ctx, .user = w->user, .database = w->database};
	uint64_t limit_us = due_now_us() + (uint64_t)w->ctx->host->opt_int(w->ctx, "start_timeout");

	return user_server_wait_pairs(&server, limit_us < w->until_us ? limit_us : w->until_us, w->why,
	                              sizeof w->why);
}

int known_report(struct work *w)
{
	const json_t *report = json_object_get(w->state.all, "report"), *row;
	const char *prefix;

	if (w->ctx->host->argument(w->ctx, "compatibility") != NULL) {
		seen_report(w->ctx, &w->state);
		return 0;
	}
	if (report == NULL)
		return work_fail(w, -ENOENT, "nothing has been checked for this user yet");
	work_report_row(w, report);
	json_object_foreach (json_object_get(w->state.all, "rejected"), prefix, row) {
		w->ctx->host->report(w->ctx, "verdict", "remembered as rejected");
		w->ctx->host->report(w->ctx, "candidate", "%s", prefix);
		w->ctx->host->report(w->ctx, "reason", "%s", state_rejected(&w->state, prefix));
		w->ctx->host->report_row(w->ctx);
	}
	return 0;
}

int known_freeze(struct work *w)
{
	const char *why = w->ctx->host->argument(w->ctx, "why"), *hours = w->ctx->host->argument(w->ctx, "hours");
	const char *who = w->ctx->host->argument(w->ctx, "who");
	long long until_s = hours != NULL ? work_now_s(w) + strtoll(hours, NULL, 10) * HOUR_S : 0;

	if (w->ctx->host->argument(w->ctx, "unless-frozen") != NULL && state_frozen(&w->state, work_now_s(w)) != NULL)
		return 0;
	if (hours != NULL && until_s <= work_now_s(w))
		return work_fail(w, -EINVAL, "--hours=%.40s: expected a number of hours", hours);
	state_freeze(&w->state, why != NULL && *why != '\0' ? why : FROZEN_WHY, work_now_s(w), until_s);
	if (who != NULL)
		json_object_set_new(json_object_get(w->state.all, "frozen"), "who", json_string(who));
	return state_save(&w->state, w->why, sizeof w->why);
}

int known_unfreeze(struct work *w)
{
	json_object_del(w->state.all, "frozen");
	return state_save(&w->state, w->why, sizeof w->why);
}

/* It shall be this version and no other, until somebody takes that back. */
int known_pin(struct work *w)
{
	const char *to = w->ctx->host->argument(w->ctx, "to"), *why = w->ctx->host->argument(w->ctx, "why");
	bool downgrade = w->ctx->host->argument(w->ctx, "downgrade") != NULL;

	if (to == NULL || !version_is(to))
		return work_fail(w, -EINVAL, "expected a version: --to=VERSION");
	json_object_set_new(w->state.all, "pin",
	                    json_pack("{s:s, s:s, s:I, s:b}", "version", to, "why", why != NULL ? why : "", "time",
	                              (json_int_t)work_now_s(w), "downgrade", downgrade));
	return state_save(&w->state, w->why, sizeof w->why);
}

int known_unpin(struct work *w)
{
	json_object_del(w->state.all, "pin");
	return state_save(&w->state, w->why, sizeof w->why);
}
