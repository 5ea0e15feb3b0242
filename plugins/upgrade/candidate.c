/* SPDX-License-Identifier: MIT */
/* See candidate.h. */
#include "candidate.h"

#include <errno.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "guard.h"
#include "seen.h"

#define LOCKED_MS 2000

static int fail(struct candidate *c, int error, const char *fmt, ...) T3OPS_PRINTF(3, 4);
static int fail(struct candidate *c, int error, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(c->why, sizeof c->why, fmt, ap);
	va_end(ap);
	return error;
}

static const char *option(const struct candidate *c, const char *name)
{
	return c->ctx->host->opt_string(c->ctx, name);
}

static bool is_asked(const struct candidate *c, const char *argument)
{
	return c->ctx->host->argument(c->ctx, argument) != NULL;
}

void candidate_init(struct candidate *c)
{
	const char *versions = option(c, "versions");

	c->prefix[0] = c->version[0] = c->why[0] = c->dir[0] = '\0';
	c->source = "";
	if (*versions != '\0' &&
	    snprintf(c->dir, sizeof c->dir, "%s/%s", versions, c->user->name) >= (int)sizeof c->dir)
		c->dir[0] = '\0';
	c->channel = (struct channel){.ctx = c->ctx, .user = c->user, .until_us = c->until_us};
	c->prefixes = (struct prefixes){.channel = &c->channel, .state = c->state, .dir = c->dir};
}

const char *candidate_pin(const struct state *s)
{
	const char *version = json_string_value(json_object_get(json_object_get(s->all, "pin"), "version"));

	return version != NULL ? version : "";
}

/* ---- which one ----------------------------------------------------------------------------------------------- */

static int prefix_take(struct candidate *c, const char *path, const char *source)
{
	struct stat st;

	c->source = source;
	if (realpath(path, c->prefix) == NULL || stat(c->prefix, &st) < 0)
		return fail(c, -errno, "%.200s: %s", path, strerror(errno));
	if (!S_ISDIR(st.st_mode))
		return fail(c, -ENOTDIR, "%.200s: %s", path, strerror(ENOTDIR));
	if (strncmp(c->prefix, c->state->dir, strlen(c->state->dir)) == 0)
		return fail(c, -EINVAL, "%.200s lies in upgrade's own directory, which the gate replaces", c->prefix);
	snprintf(c->version, sizeof c->version, "%s", prefix_version(&c->prefixes, c->prefix));
	return 0;
}

static int version_take(struct candidate *c, const char *version, const char *source)
{
	int r;

	c->source = source;
	snprintf(c->version, sizeof c->version, "%s", version);
	r = prefix_of(&c->prefixes, version, c->prefix);
	return r < 0 ? fail(c, r, "%s", c->channel.why) : 0;
}

static int channel_follow(struct candidate *c)
{
	char version[VERSION_SIZE];
	int r = channel_resolve(&c->channel, version);

	return r < 0 ? fail(c, r, "%s", c->channel.why) : version_take(c, version, "channel");
}

static int source_take(struct candidate *c)
{
	const char *to = c->ctx->host->argument(c->ctx, "to");

	if (to != NULL && *to == '/')
		return prefix_take(c, to, "--to");
	if (to != NULL && version_is(to))
		return version_take(c, to, "--to");
	if (to == NULL || *to == '\0') {
		if (*candidate_pin(c->state) != '\0')
			return version_take(c, candidate_pin(c->state), "pin");
		if (*option(c, "candidate") == '/')
			return prefix_take(c, option(c, "candidate"), "candidate");
		if (*option(c, "candidate") == '\0' && *option(c, "channel") != '\0')
			return channel_follow(c);
	}
	return fail(c, -EINVAL,
	            "expected the prefix of a version as an absolute path, or a version: --to=/PREFIX, --to=VERSION, "
	            "or the option candidate or channel");
}

/* ---- whether it may be --------------------------------------------------------------------------------------- */

/* How far the database was migrated; -1: not known. */
static long long migration_of(const char *database)
{
	sqlite3_stmt *select = NULL;
	long long migration = -1;
	sqlite3 *db = NULL;

	if (sqlite3_open_v2(database, &db, SQLITE_OPEN_READONLY, NULL) == SQLITE_OK) {
		sqlite3_busy_timeout(db, LOCKED_MS);
		if (sqlite3_prepare_v2(db, "SELECT max(migration_id) FROM effect_sql_migrations", -1, &select,
		                       NULL) == SQLITE_OK &&
		    sqlite3_step(select) == SQLITE_ROW && sqlite3_column_type(select, 0) != SQLITE_NULL)
			migration = sqlite3_column_int64(select, 0);
	}
	sqlite3_finalize(select);
	sqlite3_close(db);
	return migration;
}

/* Whoever names a prefix, or has pinned a version, wants that one, whatever channel it is of. */
static bool is_of_any_channel(const struct candidate *c)
{
	const char *to = c->ctx->host->argument(c->ctx, "to");

	if (strcmp(c->source, "--to") == 0)
		return *to == '/' || is_asked(c, "prerelease");
	return strcmp(c->source, "channel") != 0;
}

static bool is_pinned_below(const struct candidate *c)
{
	return strcmp(c->source, "pin") == 0 &&
	       json_is_true(json_object_get(json_object_get(c->state->all, "pin"), "downgrade"));
}

static int guard_ask(struct candidate *c)
{
	const struct guard g = {.version = c->version,
	                        .channel = option(c, "channel"),
	                        .current = prefix_version(&c->prefixes, c->installed),
	                        .known_migration = seen_migration(c->state, c->version),
	                        .current_migration = migration_of(c->database),
	                        .downgrade_asked = is_asked(c, "downgrade") || is_pinned_below(c),
	                        .prerelease_asked = is_of_any_channel(c)};

	if (*c->version == '\0' || strcmp(c->prefix, c->installed) == 0)
		return 0;
	return guard_passes(&g, c->why, sizeof c->why) ? 0 : -EPERM;
}

int candidate_choose(struct candidate *c)
{
	int r = source_take(c);

	return r < 0 ? r : guard_ask(c);
}

/* ---- how it comes -------------------------------------------------------------------------------------------- */

static bool is_wanted(const struct candidate *c)
{
	return state_rejected(c->state, c->prefix) == NULL || is_asked(c, "again");
}

/* Whether it is ours to install. */
static bool is_ours(struct candidate *c)
{
	char prefix[PATH_MAX];

	return *c->version != '\0' && prefix_of(&c->prefixes, c->version, prefix) == 0 &&
	       strcmp(prefix, c->prefix) == 0;
}

const char *candidate_name(struct candidate *c)
{
	return is_ours(c) ? c->version : c->prefix;
}

int candidate_install(struct candidate *c)
{
	int r;

	if (!is_ours(c) || !is_wanted(c))
		return 0;
	r = prefix_install(&c->prefixes, c->version, c->installed);
	return r < 0 ? fail(c, r, "%s was not installed: %.400s", c->version, c->channel.why) : 0;
}

void candidate_plan(struct candidate *c, char *text, size_t size)
{
	const char *rejected = state_rejected(c->state, c->prefix);

	if (strcmp(c->prefix, c->installed) == 0)
		snprintf(text, size, "nothing: the user has it");
	else if (rejected != NULL && !is_wanted(c))
		snprintf(text, size, "nothing: it was rejected: %.300s", rejected);
	else if (!is_ours(c) || prefix_is_there(&c->prefixes, c->prefix))
		snprintf(text, size, "it is installed: prove it");
	else
		snprintf(text, size, "install it (about %lld MiB, %lld MiB are free), prove it",
		         prefix_predict(&c->prefixes, c->installed) >> 20, prefix_room(&c->prefixes) >> 20);
}

void candidate_prune(struct candidate *c)
{
	char pinned[PATH_MAX] = "";
	const char *needed[] = {c->installed,
	                        state_text(c->state, "from"),
	                        state_text(c->state, "to"),
	                        state_text(c->state, "previous"),
	                        state_text(c->state, "last_good"),
	                        c->prefix,
	                        pinned,
	                        NULL};

	if (*candidate_pin(c->state) != '\0')
		prefix_of(&c->prefixes, candidate_pin(c->state), pinned);
	prefixes_prune(&c->prefixes, needed);
}
