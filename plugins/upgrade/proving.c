/* SPDX-License-Identifier: MIT */
/* See proving.h. */
#include "proving.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "gate.h"
#include "managed.h"
#include "survey.h"
#include "text_json.h"
#include "window.h"

int proving_candidate(struct work *w, char out[PATH_MAX])
{
	struct candidate *c = work_candidate(w);
	int r = candidate_choose(c);

	if (r == 0)
		r = candidate_install(c);
	if (r < 0)
		return work_fail(w, r, "%s", c->why);
	json_object_set_new(w->state.all, "candidate", json_string(c->version));
	snprintf(out, PATH_MAX, "%s", c->prefix);
	return 0;
}

int proving_plan_report(struct work *w, const char *then)
{
	struct candidate *c = work_candidate(w);
	char plan[400], window[80], managed[400];
	int r = candidate_choose(c);

	if (r < 0)
		return work_fail(w, r, "%s", c->why);
	candidate_plan(c, plan, sizeof plan);
	window_is_open(w->ctx, window, sizeof window);
	managed_find(w->user, w->base_dir, w->database, managed, sizeof managed);
	w->ctx->host->report(w->ctx, "candidate", "%s", c->prefix);
	w->ctx->host->report(w->ctx, "version", "%s", c->version);
	w->ctx->host->report(w->ctx, "source", "%s", c->source);
	w->ctx->host->report(w->ctx, "plan", "%s%s", plan, strncmp(plan, "nothing", 7) == 0 ? "" : then);
	w->ctx->host->report(w->ctx, "window", "%s", window);
	w->ctx->host->report(w->ctx, "managed_by", "%s", managed);
	w->ctx->host->report_row(w->ctx);
	return 0;
}

bool proving_is_dry(const struct work *w)
{
	return w->ctx->host->argument(w->ctx, "dry-run") != NULL;
}

static void report_keep(struct work *w, struct gate *g)
{
	char time[32];

	snprintf(time, sizeof time, "%lld", work_now_s(w));
	json_object_set_new(g->report, "verdict", json_string(gate_verdict_name(g->verdict)));
	json_object_set_new(g->report, "reason", text_json(g->reason));
	json_object_set_new(g->report, "candidate", json_string(g->candidate));
	json_object_set_new(g->report, "installed", json_string(g->installed));
	json_object_set_new(g->report, "to", json_string(candidate_name(&w->next)));
	json_object_set_new(g->report, "time", json_string(time));
	json_object_set_new(w->state.all, "report", g->report);
	work_report_row(w, g->report);
}

/* 0: accepted. */
int proving_prove(struct work *w, const char *candidate)
{
	struct gate g = {.ctx = w->ctx,
	                 .user = w->user,
	                 .dir = w->state.dir,
	                 .base_dir = w->base_dir,
	                 .candidate = candidate,
	                 .installed = w->installed,
	                 .state = &w->state,
	                 .until_us = w->until_us};
	int r;

	gate_run(&g);
	report_keep(w, &g);
	if (g.installed_works)
		json_object_set_new(w->state.all, "last_good", json_string(w->installed));
	if (g.verdict == GATE_REJECTED)
		state_reject(&w->state, candidate, g.reason, work_now_s(w));
	candidate_prune(&w->next);
	r = state_save(&w->state, w->why, sizeof w->why);
	if (r < 0 || g.verdict == GATE_ACCEPTED)
		return r;
	return work_fail(w, -EPROTO, "%s: %s", gate_verdict_name(g.verdict), g.reason);
}

bool proving_is_accepted(const struct work *w, const char *candidate)
{
	const json_t *report = json_object_get(w->state.all, "report");
	const char *verdict = json_string_value(json_object_get(report, "verdict"));
	const char *last = json_string_value(json_object_get(report, "candidate"));
	const char *beside = json_string_value(json_object_get(report, "installed"));

	return verdict != NULL && strcmp(verdict, "accepted") == 0 && last != NULL && strcmp(last, candidate) == 0 &&
	       beside != NULL && strcmp(beside, w->installed) == 0;
}

int proving_check(struct work *w, char candidate[PATH_MAX])
{
	bool again = w->ctx->host->argument(w->ctx, "again") != NULL;
	const char *rejected;
	int r = proving_candidate(w, candidate);

	if (r < 0)
		return r;
	rejected = state_rejected(&w->state, candidate);
	if (rejected != NULL && !again)
		return work_fail(w, -EPROTO, "%.200s was rejected: %.300s; --again proves it once more", candidate,
		                 rejected);
	state_pardon(&w->state, candidate);
	return proving_prove(w, candidate);
}

static int verdict_report(struct work *w, const char *verdict, const char *candidate)
{
	w->ctx->host->report(w->ctx, "verdict", "%s", verdict);
	w->ctx->host->report(w->ctx, "candidate", "%s", candidate);
	w->ctx->host->report_row(w->ctx);
	return 0;
}

/* --automatic: nobody has asked for the rollout, so whoever is pinned stays so. */
static bool is_left_alone(const struct work *w)
{
	return w->ctx->host->argument(w->ctx, "automatic") != NULL && *candidate_pin(&w->state) != '\0';
}

/* --new: it is proven because the user is to get it. */
int proving_action(struct work *w)
{
	char candidate[PATH_MAX];
	int r;

	if (proving_is_dry(w))
		return proving_plan_report(w, "; move nobody");
	if (w->ctx->host->argument(w->ctx, "new") == NULL)
		return proving_check(w, candidate);
	if (is_left_alone(w))
		return verdict_report(w, "pinned", "");
	r = proving_candidate(w, candidate);
	if (r == 0 && strcmp(candidate, w->installed) == 0)
		return verdict_report(w, "same", candidate);
	if (r == 0)
		r = proving_check(w, candidate);
	if (r < 0)
		return r;
	survey_want(&w->state, candidate);
	return state_save(&w->state, w->why, sizeof w->why);
}
