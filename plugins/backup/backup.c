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
#include <time.h>

#include "copy.h"
#include "plugin.h"
#include "backup_dir.h"

#define WHY_SIZE  320
#define MARGIN_US INT64_C(5000000) /* before the deadline, for the cleaning up */

/* Fills %h %u %n %% in; 0 or -errno. */
static int path_fill(char *out, size_t size, const char *pattern, const struct t3ops_user *user)
{
	size_t used = 0;

	for (; *pattern; pattern++) {
		char letter[2] = {*pattern, '\0'};
		const char *value = letter;
		size_t len;

		if (*pattern == '%')
			switch (*++pattern) {
			case 'h':
				value = user->home;
				break;
			case 'u':
				value = user->os_user;
				break;
			case 'n':
				value = user->name;
				break;
			case '%':
				break;
			default:
				return -EINVAL;
			}
		len = strlen(value);
		if (len == 0)
			return -ENOENT;
		if (used + len >= size)
			return -ENAMETOOLONG;
		memcpy(out + used, value, len);
		used += len;
	}
	out[used] = '\0';
	return 0;
}

/* A run that is killed at its deadline cannot clean up: stop by itself before. */
static uint64_t until(struct t3ops_ctx *ctx)
{
	int64_t deadline = ctx->host->opt_int(ctx, "deadline");
	int64_t margin = deadline / 5 < MARGIN_US ? deadline / 5 : MARGIN_US;

	return ctx->host->now_us(ctx) + (uint64_t)(deadline - margin);
}

/* Names the copy and lets the oldest go. */
static int finish(struct t3ops_ctx *ctx, struct backup_dir *s, char *why)
{
	enum backup_kind kind = ctx->host->run_requested(ctx) ? BACKUP_ASKED : BACKUP_SCHEDULED;
	char name[BACKUP_NAME_SIZE];
	long long bytes = 0;
	int r = backup_dir_put(s, (time_t)(ctx->host->wall_us(ctx) / 1000000), kind, name, &bytes), left;

	if (r < 0) {
		snprintf(why, WHY_SIZE, "the copy cannot be moved into %.200s: %s", s->path, strerror(-r));
		return r;
	}
	left = backup_dir_keep(s, (int)ctx->host->opt_int(ctx, "retain"), kind, name);
	ctx->host->report(ctx, "file", "%s/%s", s->path, name);
	ctx->host->report(ctx, "bytes", "%lld", bytes);
	if (left >= 0)
		ctx->host->report(ctx, "kept", "%d", left);
	else
		ctx->host->report(ctx, "cannot_remove_oldest", "%s", strerror(-left));
	return 0;
}

static int run(struct t3ops_ctx *ctx, const struct t3ops_user *user)
{
	char source[PATH_MAX], why[WHY_SIZE] = "";
	struct backup_dir backup_dir = {.fd = -1};
	uint64_t until_us = until(ctx);
	int r;

	umask(0077);
	r = path_fill(source, sizeof source, ctx->host->opt_string(ctx, "database"), user);
	if (r < 0)
		snprintf(why, sizeof why, "option database cannot be filled in: %s",
		         r == -ENOENT ? "this machine knows no home directory of the user" : strerror(-r));
	if (r == 0)
		r = backup_dir_open(&backup_dir, ctx->host->opt_string(ctx, "to"), user->name, why, sizeof why);
	if (r == 0)
		r = copy_database(source, backup_dir.partial, until_us, why, sizeof why);
	if (r == COPY_UNREAD)
		ctx->host->report(ctx, "schema_newer", "%s", why);
	if (r >= 0)
		r = finish(ctx, &backup_dir, why);
	backup_dir_close(&backup_dir);
	if (r < 0)
		ctx->host->report(ctx, "error", "%s", why);
	return r;
}

/* Whether the pattern of the database is one, whoever the user is. */
static int check(struct t3ops_ctx *ctx)
{
	static const struct t3ops_user somebody = {
	    .struct_size = sizeof somebody, .name = "n", .os_user = "u", .home = "/h", .host = ""};
	char path[PATH_MAX];
	int r = path_fill(path, sizeof path, ctx->host->opt_string(ctx, "database"), &somebody);

	if (r < 0)
		ctx->host->option_fault(ctx, T3OPS_ERROR, "database",
		                        "expected %%h, %%u, %%n or %%%% after a percent sign");
	else if (path[0] != '/')
		ctx->host->option_fault(ctx, T3OPS_ERROR, "database",
		                        "expected an absolute path, or one that begins with %%h");
	return r < 0 || path[0] != '/' ? -EINVAL : 0;
}

static const struct t3ops_option options[] = {
    {"to", T3OPS_OPT_USER_DIR, T3OPS_REQUIRED, 0, 0,
     "Directory of the backups; each user gets a private directory in it."},
    {"retain", T3OPS_OPT_INT, "6", 1, 100000,
     "How many backups of each user are kept; the oldest ones go, and those that somebody asked for are counted "
     "apart."},
    {"database", T3OPS_OPT_STRING, "%h/.t3/userdata/state.sqlite", 0, 0,
     "The user's database: %h home, %u OS user, %n table name, %% a percent sign."},
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
    .run = run,
};
