/* SPDX-License-Identifier: MIT */
/* See fleet_survey.h. */
#include "fleet_survey.h"

#include <stdio.h>
#include <string.h>

#include "members.h"
#include "order.h"

#define PARTS_MAX 4096

void fleet_next(struct fleet *f)
{
	const char *unproven = members_unproven(fleet_users(f)), *canary = f->ctx->host->opt_string(f->ctx, "canary"),
	           *next;
	bool has_backup = *f->ctx->host->opt_string(f->ctx, "backup") != '\0';

	if (members_count(fleet_users(f), "waiting") == 0) {
		fleet_end(f, has_backup && members_count(fleet_users(f), "done") > 0 ? RELEASING : SETTLING,
		          "done: %zu moved, %zu had it already, %zu frozen", members_count(fleet_users(f), "done"),
		          members_count(fleet_users(f), "same"), members_count(fleet_users(f), "frozen"));
		return;
	}
	if (unproven != NULL) {
		fleet_state_set(f, PROVING, unproven);
		return;
	}
	next = members_next(fleet_users(f), canary);
	if (next == NULL)
		fleet_state_set(f, WAITING, "");
	else
		fleet_state_set(f, has_backup ? PINNING : MOVING, next);
}

/* {"user":...} a line. */
static void rows_take(struct fleet *f, const char *rows)
{
	while (*rows != '\0') {
		size_t len = strcspn(rows, "\n");
		json_t *row = json_loadb(rows, len, 0, NULL);

		if (json_is_string(json_object_get(row, "user")))
			members_survey(fleet_users(f), row);
		json_decref(row);
		rows += len + (rows[len] == '\n');
	}
}

static void deferred_report(struct fleet *f)
{
	const char *user;
	json_t *row;

	json_object_foreach (fleet_users(f), user, row) {
		const char *busy = members_text(fleet_users(f), user, "busy");

		if (strcmp(members_text(fleet_users(f), user, "is"), "waiting") != 0 || *busy == '\0' ||
		    json_is_true(json_object_get(row, "deferred")))
			continue;
		json_object_set_new(row, "deferred", json_true());
		f->ctx->host->emit(f->ctx, "user_deferred", user, 0, busy);
	}
}

/* Said once in a rollout; who is idle for longest is moved first then. */
static void canary_check(struct fleet *f)
{
	const char *canary = f->ctx->host->opt_string(f->ctx, "canary");

	if (*canary == '\0' || json_object_get(fleet_users(f), canary) != NULL ||
	    json_is_true(json_object_get(f->all, "canary_unknown")))
		return;
	json_object_set_new(f->all, "canary_unknown", json_true());
	f->ctx->host->log(
	    f->ctx, T3OPS_WARNING, "canary_unknown",
	    "canary = \"%.60s\" is no user whom the rollout found, so whoever is idle for longest is moved "
	    "first: name a user of the table",
	    canary);
}

static void part_ask(struct fleet *f);

/* Whether there is more to ask for: the next part, or all of them again in smaller ones. */
static bool is_asked_on(struct fleet *f, bool fitted)
{
	if (!fitted && f->parts >= PARTS_MAX)
		return false;
	if (!fitted) {
		f->parts *= 2;
		f->part = 0;
	} else if (++f->part == f->parts) {
		return false;
	}
	part_ask(f);
	return true;
}

static void on_survey(struct t3ops_ctx *ctx, const struct t3ops_acted *a, void *arg)
{
	struct fleet *f = order_answered(ctx, arg);
	bool fitted;

	if (f == NULL)
		return;
	if (a->error != 0 && order_is_in_progress(a)) { /* whoever cannot be looked at now is not left out */
		fleet_again_later(f, (uint64_t)f->ctx->host->opt_int(f->ctx, "retry"));
		return;
	}
	fitted = strstr(a->text, "more rows do not fit") == NULL;
	rows_take(f, a->rows);
	if (is_asked_on(f, fitted))
		return;
	if (!fitted) {
		fleet_end(f, SETTLING, "stopped: what there is to say of users does not fit into %d answers",
		          PARTS_MAX);
		return;
	}
	if (json_object_size(fleet_users(f)) == 0 && !order_is_tried_again(f, a))
		fleet_end(f, SETTLING, "stopped: nobody could be looked at: %.300s", a->text);
	if (json_object_size(fleet_users(f)) == 0)
		return;
	canary_check(f);
	deferred_report(f);
	fleet_next(f);
}

static void part_ask(struct fleet *f)
{
	char part[32];
	const char *arguments[] = {part, NULL};

	snprintf(part, sizeof part, "part=%u/%u", f->part, f->parts);
	order_give(f, f->ctx->name, "survey", f->parts > 1 ? arguments : NULL, on_survey);
}

void fleet_survey(struct fleet *f)
{
	f->part = 0;
	f->parts = f->parts > 0 ? f->parts : 1;
	members_survey_begin(fleet_users(f));
	part_ask(f);
}
