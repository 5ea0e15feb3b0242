/* SPDX-License-Identifier: MIT */
/* See outcomes.h. */
#include "outcomes.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

/* Kinds of versions, as the facts of an end are called (upgrade.c); in the order of the metric's labels. */
static const char *const kinds[] = {"current", "last_good", "candidate"};
#define KINDS (sizeof kinds / sizeof kinds[0])

struct row {
	LIST_ENTRY(row) link;
	char user[T3OPS_USER_NAME_SIZE];
	char installed[256]; /* "": not known; as those below */
	char versions[KINDS][64];
	char managed[16];
};

struct outcomes {
	struct t3ops_ctx *ctx;
	LIST_HEAD(, row) rows;
};

struct outcomes *outcomes_new(struct t3ops_ctx *ctx)
{
	struct outcomes *o = calloc(1, sizeof *o);

	if (o != NULL)
		o->ctx = ctx;
	return o;
}

void outcomes_free(struct outcomes *o)
{
	struct row *row;

	while (o != NULL && (row = LIST_FIRST(&o->rows))) {
		LIST_REMOVE(row, link);
		free(row);
	}
	free(o);
}

static struct row *row_get(struct outcomes *o, const char *user)
{
	struct row *row;

	LIST_FOREACH (row, &o->rows, link)
		if (strcmp(row->user, user) == 0)
			return row;
	row = calloc(1, sizeof *row);
	if (row == NULL)
		return NULL;
	snprintf(row->user, sizeof row->user, "%s", user);
	LIST_INSERT_HEAD(&o->rows, row, link);
	return row;
}

/* Behind error=" and the action's name. */
static const char *error_text(const char *line)
{
	static const char *const actions[] = {"check: ", "run: ", "rollback: "};
	const char *text = strstr(line, " error=\"");

	if (text == NULL)
		return "";
	text += strlen(" error=\"");
	for (size_t i = 0; i < sizeof actions / sizeof actions[0]; i++)
		if (strncmp(text, actions[i], strlen(actions[i])) == 0)
			return text + strlen(actions[i]);
	return text;
}

const char *outcome_of(const char *line)
{
	static const struct {
		const char *begins, *outcome;
	} rows[] = {{"rejected: ", "rejected"},
	            {"gate_broken: ", "gate_broken"},
	            {"rolled back: ", "rolled_back"},
	            {"NOT ROLLED BACK: ", "rollback_failed"}};
	const char *text = error_text(line);

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		if (strncmp(text, rows[i].begins, strlen(rows[i].begins)) == 0)
			return rows[i].outcome;
	return NULL;
}

static void frozen_show(struct outcomes *o, const char *user, bool frozen)
{
	o->ctx->host->gauge(o->ctx, METRIC_FROZEN, (const char *[]){user}, frozen);
}

/* What was shown before is 0 from now on. */
static void installed_show(struct outcomes *o, struct row *row, const char *prefix)
{
	if (strcmp(row->installed, prefix) == 0)
		return;
	if (row->installed[0] != '\0')
		o->ctx->host->gauge(o->ctx, METRIC_INSTALLED, (const char *[]){row->user, row->installed}, 0);
	snprintf(row->installed, sizeof row->installed, "%s", prefix);
	o->ctx->host->gauge(o->ctx, METRIC_INSTALLED, (const char *[]){row->user, row->installed}, 1);
}

static void versions_gauge(struct outcomes *o, const struct row *row, double value)
{
	o->ctx->host->gauge(o->ctx, METRIC_VERSIONS,
	                    (const char *[]){row->user, row->versions[0], row->versions[1], row->versions[2]}, value);
}

static void versions_show(struct outcomes *o, struct row *row, const char *line)
{
	char value[sizeof row->versions[0]];

	if (!outcome_fact(line, kinds[0], value, sizeof value))
		return;
	if (row->versions[0][0] != '\0')
		versions_gauge(o, row, 0);
	for (size_t i = 0; i < KINDS; i++)
		if (!outcome_fact(line, kinds[i], row->versions[i], sizeof row->versions[i]))
			row->versions[i][0] = '\0';
	if (row->versions[0][0] != '\0')
		versions_gauge(o, row, 1);
}

static void managed_log(struct outcomes *o, const struct row *row, const char *by)
{
	bool ours = strcmp(by, "t3ops") == 0;

	o->ctx->host->log(
	    o->ctx, ours ? T3OPS_NOTICE : T3OPS_WARNING, "updater_changed",
	    "the t3 server of %s is managed by %s, so upgrade %s; `t3opsctl upgrade status %s` says more", row->user,
	    strcmp(by, "t3") == 0 ? "t3's own updater"
	    : ours                ? "t3ops"
	                          : "t3ops and t3's own updater",
	    ours ? "moves this user again" : "leaves this user alone", row->user);
}

/* Said when it changes, and at first if it is not us. */
static void managed_show(struct outcomes *o, struct row *row, const char *by)
{
	bool is_first = row->managed[0] == '\0';

	if (strcmp(row->managed, by) == 0)
		return;
	if (!is_first || strcmp(by, "t3ops") != 0)
		managed_log(o, row, by);
	if (!is_first)
		o->ctx->host->gauge(o->ctx, METRIC_MANAGED, (const char *[]){row->user, row->managed}, 0);
	snprintf(row->managed, sizeof row->managed, "%s", by);
	o->ctx->host->gauge(o->ctx, METRIC_MANAGED, (const char *[]){row->user, by}, 1);
}

bool outcome_fact(const char *line, const char *key, char *out, size_t size)
{
	size_t len = strlen(key);

	for (const char *at = strstr(line, key); at != NULL; at = strstr(at + len, key))
		if (at > line && (at[-1] == ' ' || at[-1] == '"') && at[len] == '=') {
			at += len + 1;
			snprintf(out, size, "%.*s", (int)strcspn(at, " \"\\"), at);
			return true;
		}
	return false;
}

/* Every end that is fine says all of them (upgrade.c). */
static void facts_take(struct outcomes *o, struct row *row, const char *line)
{
	char value[sizeof row->installed], by[sizeof row->managed];

	if (outcome_fact(line, "frozen", value, sizeof value))
		frozen_show(o, row->user, strcmp(value, "yes") == 0);
	if (outcome_fact(line, "now", value, sizeof value))
		installed_show(o, row, value);
	versions_show(o, row, line);
	if (outcome_fact(line, "managed_by", by, sizeof by))
		managed_show(o, row, by);
}

void outcomes_rolled_back(struct outcomes *o, const char *user)
{
	o->ctx->host->gauge(o->ctx, METRIC_ENDED, (const char *[]){user, "rolled_back"},
	                    (double)o->ctx->host->wall_us(o->ctx) / 1e6);
	frozen_show(o, user, true);
}

void outcomes_event(struct outcomes *o, const struct t3ops_event *e)
{
	bool ended = strncmp(e->kind, "action_", 7) == 0 || strncmp(e->kind, "job_", 4) == 0;
	struct row *row = ended && strcmp(e->plugin, o->ctx->name) == 0 && *e->user != '\0' ? row_get(o, e->user)
	                                                                                    : NULL;
	const char *outcome = row != NULL ? outcome_of(e->line) : NULL;

	if (row == NULL)
		return;
	facts_take(o, row, e->line);
	if (outcome == NULL)
		return;
	o->ctx->host->gauge(o->ctx, METRIC_ENDED, (const char *[]){e->user, outcome}, (double)e->time_us / 1e6);
	if (strcmp(outcome, "rolled_back") == 0)
		frozen_show(o, e->user, true);
}
