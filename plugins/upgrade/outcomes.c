/* SPDX-License-Identifier: MIT */
/* See outcomes.h. */
#include "outcomes.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

struct row {
	LIST_ENTRY(row) link;
	char user[T3OPS_USER_NAME_SIZE];
	char installed[256]; /* "": not known */
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

static void installed_show(struct outcomes *o, struct row *row, const char *prefix)
{
	if (strcmp(row->installed, prefix) == 0)
		return;
	if (row->installed[0] != '\0')
		o->ctx->host->gauge(o->ctx, METRIC_INSTALLED, (const char *[]){row->user, row->installed}, 0);
	snprintf(row->installed, sizeof row->installed, "%s", prefix);
	o->ctx->host->gauge(o->ctx, METRIC_INSTALLED, (const char *[]){row->user, row->installed}, 1);
}

/* Every end that is fine says both (upgrade.c). */
static void facts_take(struct outcomes *o, struct row *row, const char *line)
{
	const char *installed = strstr(line, " now="), *frozen = strstr(line, " frozen=");
	char prefix[sizeof row->installed];

	if (frozen != NULL)
		frozen_show(o, row->user, strncmp(frozen, " frozen=yes", 11) == 0);
	if (installed == NULL)
		return;
	installed += strlen(" now=");
	snprintf(prefix, sizeof prefix, "%.*s", (int)strcspn(installed, " \"\\"), installed);
	installed_show(o, row, prefix);
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
