/* SPDX-License-Identifier: MIT */
/* See actions.h. */
#include "actions.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/run_deadline.h"
#include "common/server_hold.h"
#include "common/user_path.h"
#include "known.h"
#include "managed.h"
#include "proving.h"
#include "rollout.h"
#include "state.h"
#include "survey.h"
#include "work.h"

/* ---- run and rollback -------------------------------------------------------------------------------------- */

static struct rollout rollout_of(struct work *w)
{
	return (struct rollout){.ctx = w->ctx,
	                        .user = w->user,
	                        .state = &w->state,
	                        .server = {.ctx = w->ctx, .user = w->user, .database = w->database},
	                        .until_us = w->until_us};
}

/* Unless --now says that it does not matter. */
static int quiet_check(struct work *w)
{
	struct survey s = work_survey(w);
	char why[300];

	if (w->ctx->host->argument(w->ctx, "now") != NULL || survey_busy(&s, why, sizeof why) == NULL)
		return 0;
	return work_fail(w, -EAGAIN, "busy: %s; --now moves the user anyway", why);
}

static bool is_busy(const struct work *w)
{
	const char *phase = state_text(&w->state, "phase");

	return *phase != '\0' && strcmp(phase, "IDLE") != 0;
}

static int rollout_finish(struct work *w, struct rollout *r)
{
	char to[PATH_MAX];
	int e;

	snprintf(to, sizeof to, "%s", state_text(&w->state, "to"));
	survey_want(&w->state, NULL); /* on disk with the next phase */
	e = rollout_continue(r);
	if (e == 0) {
		w->ctx->host->report(w->ctx, "installed", "%s", to);
		w->ctx->host->report_row(w->ctx);
		return 0;
	}
	if (e != -ECANCELED)
		return work_fail(w, e, "NOT ROLLED BACK: %s; a run tries it again", r->why);
	w->ctx->host->report_row(w->ctx);
	return work_fail(w, -ECANCELED, "rolled back: %s", r->why);
}

/* Where t3's own updater is in charge nobody is moved from here. */
static int managed_refuse(struct work *w)
{
	char text[400];

	if (managed_find(w->user, w->base_dir, w->database, text, sizeof text) == MANAGED_T3OPS)
		return 0;
	return work_fail(w, -EPERM, "not moved: %s", text);
}

/* Nobody else stops or starts the server until this process ends. */
static int server_take(const struct work *w, struct rollout *r)
{
	return server_hold(w->user, r->why, sizeof r->why);
}

/* What was begun is ended first. */
static int run_action(struct work *w)
{
	struct rollout r = rollout_of(w);
	const char *frozen = state_frozen(&w->state, work_now_s(w));
	char candidate[PATH_MAX];
	int e;

	if (proving_is_dry(w))
		return proving_plan_report(w, ", move the user");
	e = server_take(w, &r);
	if (e < 0)
		return work_fail(w, e, "%s", r.why);
	if (is_busy(w))
		return rollout_finish(w, &r);
	e = managed_refuse(w);
	if (e < 0)
		return e;
	if (*w->ctx->host->opt_string(w->ctx, "stop_command") == '\0' ||
	    *w->ctx->host->opt_string(w->ctx, "start_command") == '\0')
		return work_fail(w, -ENOENT,
		                 "nobody can be moved without the options stop_command and start_command");
	if (frozen != NULL)
		return work_fail(w, -EPERM, "frozen: %.300s; unfreeze it first", frozen);
	e = proving_candidate(w, candidate);
	if (e == 0 && strcmp(candidate, w->installed) == 0)
		return 0;
	if (e == 0)
		e = quiet_check(w);
	if (e == 0)
		e = proving_check(w, candidate);
	if (e == 0)
		e = quiet_check(w); /* the gate took its time */
	if (e == 0 && rollout_begin(&r, w->installed, candidate) < 0)
		e = work_fail(w, -EIO, "%s", r.why);
	return e < 0 ? e : rollout_finish(w, &r);
}

/* --bad: a rollout has found it to be so; that it is done already, or half, is fine then. */
static int rollback_action(struct work *w)
{
	const char *why = w->ctx->host->argument(w->ctx, "why");
	bool bad = w->ctx->host->argument(w->ctx, "bad") != NULL;
	bool half = bad && strcmp(state_text(&w->state, "phase"), "UNDOING") == 0;
	struct rollout r = rollout_of(w);
	int e;

	if (is_busy(w) && !half)
		return work_fail(w, -EBUSY, "a rollout is in progress; run ends it");
	if (!half && *state_text(&w->state, "previous") == '\0')
		return bad ? 0 : work_fail(w, -ENOENT, "there is nothing to go back to");
	e = half ? 0 : managed_refuse(w);
	if (e < 0)
		return e;
	e = server_take(w, &r);
	if (e == 0 && !half)
		e = rollout_undo_begin(&r, why != NULL && *why != '\0' ? why : ROLLBACK_WHY);
	if (e < 0)
		return work_fail(w, e, "%s", r.why);
	e = rollout_finish(w, &r);
	return e == -ECANCELED ? 0 : e;
}

/* ---- the plugin ---------------------------------------------------------------------------------------------- */

/* The link's, which is made if the user has none yet. */
static int installed_find(struct work *w)
{
	const char *first = w->ctx->host->opt_string(w->ctx, "installed");
	int r = link_read(&w->state, w->installed);

	if (r != -ENOENT || *first == '\0')
		return r < 0 ? work_fail(w, r, "%.200s/current: %s; name a prefix with the option installed",
		                         w->state.dir, strerror(-r))
		             : 0;
	if (realpath(first, w->installed) == NULL)
		return work_fail(w, -errno, "installed = \"%.200s\": %s", first, strerror(errno));
	r = link_set(&w->state, w->installed);
	return r < 0 ? work_fail(w, r, "%.200s/current: %s", w->state.dir, strerror(-r)) : 0;
}

static int work_begin(struct work *w)
{
	const struct t3ops_host *host = w->ctx->host;
	int r = user_path(w->base_dir, sizeof w->base_dir, host->opt_string(w->ctx, "base_dir"), w->user);

	if (r == 0 && snprintf(w->database, sizeof w->database, "%s/userdata/state.sqlite", w->base_dir) >=
	                  (int)sizeof w->database)
		r = -ENAMETOOLONG;
	umask(0077);
	w->until_us = run_until_us(w->ctx);
	w->state.dir_fd = -1;
	if (r < 0)
		return work_fail(w, r, "option base_dir cannot be filled in for this user");
	r = state_open(&w->state, host->opt_string(w->ctx, "dir"), w->user->name, w->why, sizeof w->why);
	return r < 0 ? r : installed_find(w);
}

/* For the metrics of the monitor (outcomes.h). */
static void end_report(struct work *w)
{
	char text[400], why[WORK_WHY_SIZE];

	work_candidate(w);
	if (link_read(&w->state, w->installed) == 0)
		w->ctx->host->report(w->ctx, "now", "%s", w->installed);
	w->ctx->host->report(w->ctx, "current", "%s", work_version(w, w->installed));
	w->ctx->host->report(w->ctx, "last_good", "%s", work_version(w, state_text(&w->state, "last_good")));
	w->ctx->host->report(w->ctx, "candidate", "%s", state_text(&w->state, "candidate"));
	w->ctx->host->report(w->ctx, "managed_by", "%s",
	                     managed_name(managed_find(w->user, w->base_dir, w->database, text, sizeof text)));
	w->ctx->host->report(w->ctx, "frozen", "%s", state_frozen(&w->state, work_now_s(w)) != NULL ? "yes" : "no");
	state_save(&w->state, why, sizeof why); /* versions of prefixes, that were asked for now */
}

static int work_do(struct t3ops_ctx *ctx, const struct t3ops_user *user, int (*action)(struct work *))
{
	struct work *w = calloc(1, sizeof *w);
	int r;

	if (w == NULL)
		return -ENOMEM;
	w->ctx = ctx;
	w->user = user;
	r = work_begin(w);
	if (r == 0)
		r = action(w);
	if (r == 0)
		end_report(w);
	state_close(&w->state);
	if (r < 0)
		ctx->host->report(ctx, "error", "%s", w->why);
	free(w);
	return r;
}

int action_do(struct t3ops_ctx *ctx, const struct t3ops_user *user, const char *action)
{
	static const struct {
		const char *name;
		int (*run)(struct work *);
	} rows[] = {{"check", proving_action},    {"run", run_action},      {"rollback", rollback_action},
	            {"status", known_status},     {"report", known_report}, {"freeze", known_freeze},
	            {"unfreeze", known_unfreeze}, {"pin", known_pin},       {"unpin", known_unpin},
	            {"survey", known_survey},     {"verify", known_verify}};

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		if (strcmp(rows[i].name, action) == 0)
			return work_do(ctx, user, rows[i].run);
	return -ENOSYS;
}

/* For a rollout that begins by itself (automatic.h). */
static void ready_report(struct work *w)
{
	if (state_frozen(&w->state, work_now_s(w)) == NULL && *candidate_pin(&w->state) == '\0')
		w->ctx->host->report(w->ctx, "ready", "%s", candidate_name(&w->next));
}

/* Ends what was begun, and proves the candidate; moves nobody: runs are for all users at once. */
static int scheduled(struct work *w)
{
	struct rollout r = rollout_of(w);
	char candidate[PATH_MAX];
	int e;

	if (is_busy(w)) {
		e = server_take(w, &r);
		return e < 0 ? work_fail(w, e, "%s", r.why) : rollout_finish(w, &r);
	}
	if (managed_refuse(w) < 0)
		return 0; /* the end says by whom (end_report) */
	e = proving_candidate(w, candidate);
	if (e < 0 || strcmp(candidate, w->installed) == 0 || state_rejected(&w->state, candidate) != NULL)
		return e; /* rejected: one alert a version */
	if (!proving_is_accepted(w, candidate))
		e = proving_prove(w, candidate);
	if (e == 0)
		ready_report(w);
	return e;
}

int action_run_scheduled(struct t3ops_ctx *ctx, const struct t3ops_user *user)
{
	return work_do(ctx, user, scheduled);
}
