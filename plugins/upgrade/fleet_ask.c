/* SPDX-License-Identifier: MIT */
/* See fleet_ask.h. */
#include "fleet_ask.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "automatic.h"
#include "members.h"

static int refuse(struct fleet *f, int error, const char *fmt, ...) T3OPS_PRINTF(3, 4);
static int refuse(struct fleet *f, int error, const char *fmt, ...)
{
	char why[WHY_SIZE];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(why, sizeof why, fmt, ap);
	va_end(ap);
	f->ctx->host->report(f->ctx, "error", "%s", why);
	return error;
}

/* Those of the action, as every user's check and run take them. */
static json_t *arguments_take(const struct fleet *f)
{
	static const char *const names[] = {"to", "again", "downgrade", "prerelease"};
	json_t *taken = json_object();

	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		const char *value = f->ctx->host->argument(f->ctx, names[i]);

		if (value != NULL)
			json_object_set_new(taken, names[i], json_string(value));
	}
	return taken;
}

static void row_report(struct fleet *f)
{
	char automatic[600];

	automatic_text(f, automatic, sizeof automatic);
	f->ctx->host->report(f->ctx, "state", "%s", fleet_state_name(f->state));
	f->ctx->host->report(f->ctx, "to", "%s",
	                     json_object_get(json_object_get(f->all, "arguments"), "to") != NULL
	                         ? json_string_value(json_object_get(json_object_get(f->all, "arguments"), "to"))
	                         : "");
	f->ctx->host->report(f->ctx, "moving", "%s", fleet_text(f, "user"));
	f->ctx->host->report(f->ctx, "canary", "%s", fleet_text(f, "canary"));
	if (json_is_true(json_object_get(f->all, "canary_unknown")))
		f->ctx->host->report(f->ctx, "warning", "canary = \"%.60s\" is no user",
		                     f->ctx->host->opt_string(f->ctx, "canary"));
	f->ctx->host->report(f->ctx, "outcome", "%s", fleet_text(f, "outcome"));
	f->ctx->host->report(f->ctx, "automatic", "%s", automatic);
	f->ctx->host->report_row(f->ctx);
}

static int run(struct fleet *f)
{
	const struct t3ops_host *host = f->ctx->host;

	if (host->argument(f->ctx, "dry-run") != NULL)
		return refuse(f, -EINVAL, "a dry run is for one user; t3opsctl %s check --dry-run tells of everybody",
		              f->ctx->name);
	if (host->argument(f->ctx, "now") != NULL)
		return refuse(f, -EINVAL, "--now is for one user: a rollout waits until each is idle");
	if (f->state != IDLE)
		return refuse(f, -EBUSY, "a rollout is in progress (%s %s); t3opsctl %s progress shows it",
		              fleet_state_name(f->state), fleet_text(f, "user"), f->ctx->name);
	if (*host->opt_string(f->ctx, "stop_command") == '\0' || *host->opt_string(f->ctx, "start_command") == '\0')
		return refuse(f, -ENOENT, "nobody can be moved without the options stop_command and start_command");
	fleet_begin(f, arguments_take(f), host->argument(f->ctx, "to"));
	row_report(f);
	return 0;
}

static int progress(struct fleet *f)
{
	const char *user;
	json_t *row;

	row_report(f);
	json_object_foreach (fleet_users(f), user, row) {
		const char *is = members_text(fleet_users(f), user, "is"),
		           *why = members_text(fleet_users(f), user, "why");
		bool in_hand = strcmp(is, "waiting") == 0 && strcmp(fleet_text(f, "user"), user) == 0;

		f->ctx->host->report(f->ctx, "user", "%s", user);
		f->ctx->host->report(f->ctx, "is", "%s", in_hand ? "in progress" : is);
		f->ctx->host->report(
		    f->ctx, "why", "%s%s",
		    strcmp(is, "waiting") == 0 && *why != '\0' ? "will migrate at the next quiet gap, because " : "",
		    why);
		f->ctx->host->report_row(f->ctx);
	}
	return 0;
}

int fleet_ask(struct fleet *f, const char *action)
{
	return strcmp(action, "run") == 0 ? run(f) : progress(f);
}
