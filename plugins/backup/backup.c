/* SPDX-License-Identifier: MIT */
/*
 * backup: a verified copy of every user's state.sqlite, taken while t3 runs, kept by a simple rule.
 * Runs in the process of a job, as the owner of the database.  What older runs made is touched only
 * after a new copy is complete, checked and on disk.
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "actions.h"
#include "backup_dir.h"
#include "common/copy.h"
#include "common/user_path.h"
#include "common/gentle.h"
#include "pack.h"
#include "plugin.h"

#define WHY_SIZE  320
#define MARGIN_US INT64_C(5000000) /* before the deadline, for the cleaning up */

/* A run that is killed at its deadline cannot clean up: stop by itself before. */
static uint64_t until(struct t3ops_ctx *ctx)
{
	int64_t deadline = ctx->host->opt_int(ctx, "deadline");
	int64_t margin = deadline / 5 < MARGIN_US ? deadline / 5 : MARGIN_US;

	return ctx->host->now_us(ctx) + (uint64_t)(deadline - margin);
}

static void kept_report(struct t3ops_ctx *ctx, const struct backup_kept *kept, size_t unreadable)
{
	ctx->host->report(ctx, "kept", "%zu", kept->n);
	ctx->host->report(ctx, "kept_bytes", "%lld", kept->bytes);
	if (unreadable > 0)
		ctx->host->report(ctx, "manifest_lines_lost", "%zu", unreadable);
	if (kept->over_budget > 0)
		ctx->host->report(ctx, "over_budget", "%zu", kept->over_budget);
	if (kept->error < 0)
		ctx->host->report(ctx, "cannot_remove_oldest", "%s", strerror(-kept->error));
}

static void copy_report(struct t3ops_ctx *ctx, const struct backup_dir *dir, const struct backup_row *row,
                        const struct copy_facts *facts)
{
	ctx->host->report(ctx, "file", "%s/%s", dir->path, row->file);
	ctx->host->report(ctx, "bytes", "%lld", row->bytes);
	if (row->database_bytes > 0)
		ctx->host->report(ctx, "database_bytes", "%lld", row->database_bytes);
	ctx->host->report(ctx, "wal_grown", "%lld", facts->wal_grown);
	if (facts->migration >= 0)
		ctx->host->report(ctx, "migration", "%lld", facts->migration);
	if (facts->paused_us > 0)
		ctx->host->report(ctx, "paused_s", "%.1f", (double)facts->paused_us / 1e6);
}

/* Lets the oldest go. */
static int retain(struct t3ops_ctx *ctx, struct backup_dir *dir, const char *made, char *why)
{
	const struct retention rules = {.last = ctx->host->opt_int(ctx, "retain"),
	                                .daily = ctx->host->opt_int(ctx, "retain_daily"),
	                                .weekly = ctx->host->opt_int(ctx, "retain_weekly"),
	                                .monthly = ctx->host->opt_int(ctx, "retain_monthly"),
	                                .budget_bytes = ctx->host->opt_int(ctx, "budget")};
	struct backup_kept kept;
	int r = backup_dir_keep(dir, &rules, made, (long long)(ctx->host->wall_us(ctx) / 1000000), &kept);

	if (r < 0)
		snprintf(why, WHY_SIZE, "the manifest of %.200s cannot be written: %s", dir->path, strerror(-r));
	else
		kept_report(ctx, &kept, dir->manifest.unreadable);
	return r;
}

/* Names the copy, and lets the oldest go. */
static int finish(struct t3ops_ctx *ctx, struct backup_dir *dir, struct copy_facts *facts, uint64_t began_us,
                  uint64_t until_us, char *why)
{
	struct backup_row row = {.at_s = (long long)(ctx->host->wall_us(ctx) / 1000000),
	                         .seconds = (double)(ctx->host->now_us(ctx) - began_us) / 1e6,
	                         .reason = ctx->host->run_requested(ctx) ? BACKUP_MANUAL : BACKUP_SCHEDULED,
	                         .migration = facts->migration,
	                         .rows = facts->rows};
	int r;

	facts->rows = NULL; /* the row's from here on */
	r = backup_dir_put(dir, &row, (int)ctx->host->opt_int(ctx, "compress"), until_us);
	if (r < 0)
		snprintf(why, WHY_SIZE, "the copy cannot be moved into %.200s: %s", dir->path, strerror(-r));
	else
		copy_report(ctx, dir, &row, facts);
	json_decref(row.rows);
	return r < 0 ? r : retain(ctx, dir, row.file, why);
}

static int run(struct t3ops_ctx *ctx, const struct t3ops_user *user)
{
	char source[PATH_MAX], why[WHY_SIZE] = "";
	struct backup_dir dir = {.fd = -1};
	struct copy_facts facts = {.rows = NULL};
	uint64_t until_us = until(ctx), began_us = ctx->host->now_us(ctx);
	int r;

	umask(0077);
	gentle_priorities();
	r = user_path(source, sizeof source, ctx->host->opt_string(ctx, "database"), user);
	if (r < 0)
		snprintf(why, sizeof why, "option database cannot be filled in: %s",
		         r == -ENOENT ? "this machine knows no home directory of the user" : strerror(-r));
	if (r == 0)
		r = backup_dir_open(&dir, ctx->host->opt_string(ctx, "to"), user->name, why, sizeof why);
	if (r == 0)
		r = copy_database(source, dir.partial, until_us, &facts, why, sizeof why);
	if (r == -ENOENT && user->absent && dir.fd >= 0 && dir.manifest.n == 0) {
		ctx->host->report(ctx, "absent",
		                  "the user never ran t3: there is no database, no env file and no server");
		backup_dir_close(&dir);
		return 0;
	}
	if (r == COPY_UNREAD)
		ctx->host->report(ctx, "schema_newer", "%s", why);
	if (r >= 0)
		r = finish(ctx, &dir, &facts, began_us, until_us, why);
	copy_facts_fini(&facts);
	backup_dir_close(&dir);
	if (r < 0)
		ctx->host->report(ctx, "error", "%s", why);
	return r;
}

static int act(struct t3ops_ctx *ctx, const struct t3ops_user *user, const char *action)
{
	struct backup_dir dir = {.fd = -1};
	char why[WHY_SIZE] = "";
	int r;

	umask(0077);
	r = backup_dir_open(&dir, ctx->host->opt_string(ctx, "to"), user->name, why, sizeof why);
	if (r == 0)
		r = action_run(ctx, user, action, &dir, until(ctx), why, sizeof why);
	backup_dir_close(&dir);
	if (r < 0)
		ctx->host->report(ctx, "error", "%s", why);
	return r;
}

/* Whether the pattern of the database is one, whoever the user is. */
static int database_check(struct t3ops_ctx *ctx)
{
	static const struct t3ops_user somebody = {
	    .struct_size = sizeof somebody, .name = "n", .os_user = "u", .home = "/h", .host = ""};
	char path[PATH_MAX];
	int r = user_path(path, sizeof path, ctx->host->opt_string(ctx, "database"), &somebody);

	if (r < 0)
		ctx->host->option_fault(ctx, T3OPS_ERROR, "database",
		                        "expected %%h, %%u, %%n or %%%% after a percent sign");
	else if (path[0] != '/')
		ctx->host->option_fault(ctx, T3OPS_ERROR, "database",
		                        "expected an absolute path, or one that begins with %%h");
	return r < 0 || path[0] != '/' ? -EINVAL : 0;
}

static int check(struct t3ops_ctx *ctx)
{
	int r = database_check(ctx);

	if (ctx->host->opt_int(ctx, "compress") > 0 && !pack_is_there()) {
		ctx->host->option_fault(ctx, T3OPS_ERROR, "compress", "this build of t3ops has no zstd");
		r = -ENOTSUP;
	}
	return r;
}

static const struct t3ops_option options[] = {
    {"to", T3OPS_OPT_USER_DIR, T3OPS_REQUIRED, 0, 0,
     "Directory of the backups; each user gets a private directory in it."},
    {"retain", T3OPS_OPT_INT, "6", 1, 100000,
     "How many of the newest backups of each user are kept, whatever their age; scheduled ones and those that "
     "somebody asked for are counted apart, here and below."},
    {"retain_daily", T3OPS_OPT_INT, "0", 0, 100000, "Of how many days (UTC) the newest backup is kept besides."},
    {"retain_weekly", T3OPS_OPT_INT, "0", 0, 100000, "Of how many weeks, from Monday on."},
    {"retain_monthly", T3OPS_OPT_INT, "0", 0, 100000, "Of how many months."},
    {"budget", T3OPS_OPT_BYTES, "0", 0, 0,
     "What all backups of one user may take together; the oldest go first, the newest and pinned ones never; 0: no "
     "limit."},
    {"compress", T3OPS_OPT_INT, "0", 0, PACK_LEVEL_MAX,
     "Level of zstd that backups are packed with, which makes state-*.sqlite.zst of them; 0: not at all; 3 is fast."},
    {"database", T3OPS_OPT_STRING, "%h/.t3/userdata/state.sqlite", 0, 0,
     "The user's database: %h home, %u OS user, %n table name, %% a percent sign."},
    {"stop_command", T3OPS_OPT_COMMAND, "", 0, 0, "Command that stops a user's t3 server, for restore --stop."},
    {"start_command", T3OPS_OPT_COMMAND, "", 0, 0, "Command that starts it again."},
};

static const struct t3ops_action actions[] = {
    {"list", "", "The backups, newest first."},
    {"verify", "at",
     "Reads a backup whole and checks it; one that is damaged is never used, and the newest good one pinned."},
    {"pin", "at", "A backup stays, whatever the retention says."},
    {"unpin", "at", "It is kept by the retention again."},
    {"restore", "at to stop dry-run", "A backup becomes the database again, or a file elsewhere."},
};

T3OPS_PLUGIN(backup) = {
    T3OPS_HEAD,
    .roles = T3OPS_ROLE_JOB,
    .name = "backup",
    .version = PACKAGE_VERSION,
    .summary = "copies every user's state.sqlite, verified, while t3 runs",
    .options = options,
    .n_options = sizeof options / sizeof options[0],
    .check = check,
    .wants = T3OPS_SERVICE_PAIRING,
    .run = run,
    T3OPS_ACTIONS(actions),
    .act = act,
};
