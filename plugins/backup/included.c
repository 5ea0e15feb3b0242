/* SPDX-License-Identifier: MIT */
/* See included.h. */
#include "included.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define NAMES_MAX 64
#define SECRETS   "secrets"

struct included {
	const char *names[NAMES_MAX + 1];
	struct include what;
};

/* Whoever can read a backup could be anybody with them. */
static bool secrets_may(struct t3ops_ctx *ctx)
{
	return *ctx->host->opt_string(ctx, "encrypt_key") != '\0' || ctx->host->opt_bool(ctx, "plain_secrets");
}

static bool is_wanted(struct t3ops_ctx *ctx, const char *name)
{
	return include_is_name(name) && (strcmp(name, SECRETS) != 0 || secrets_may(ctx));
}

static int dir_open(const char *database)
{
	char dir[PATH_MAX], *slash;

	snprintf(dir, sizeof dir, "%s", database);
	slash = strrchr(dir, '/');
	if (slash != NULL)
		*slash = '\0';
	return open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

/* False: nothing goes along.  Else its directory is to be closed. */
static bool included_fill(struct included *i, struct t3ops_ctx *ctx, const char *database, uint64_t until_us)
{
	size_t n = 0;

	for (size_t k = 0; k < ctx->host->opt_count(ctx, "include") && n < NAMES_MAX; k++)
		if (is_wanted(ctx, ctx->host->opt_item(ctx, "include", k)))
			i->names[n++] = ctx->host->opt_item(ctx, "include", k);
	i->names[n] = NULL;
	if (n == 0)
		return false;
	i->what = (struct include){.dir_fd = dir_open(database),
	                           .names = i->names,
	                           .max_bytes = ctx->host->opt_int(ctx, "include_max"),
	                           .until_us = until_us};
	return i->what.dir_fd >= 0;
}

long long included_bytes(struct t3ops_ctx *ctx, const char *database, uint64_t until_us)
{
	struct included i;
	long long bytes;

	if (!included_fill(&i, ctx, database, until_us))
		return 0;
	bytes = include_bytes(&i.what);
	close(i.what.dir_fd);
	return bytes;
}

void included_report(struct t3ops_ctx *ctx, const struct include_facts *facts)
{
	if (facts->files == 0 && facts->left_out == 0)
		return;
	ctx->host->report(ctx, "files", "%zu", facts->files);
	ctx->host->report(ctx, "files_bytes", "%lld", facts->bytes);
	if (facts->left_out > 0)
		ctx->host->report(ctx, "left_out", "%zu (%s)", facts->left_out, facts->first);
	if (facts->changed > 0)
		ctx->host->report(ctx, "changed", "%zu", facts->changed);
}

static int archive_make(const struct include *what, const struct backup_dir *dir, struct include_facts *facts)
{
	int fd = open(dir->files, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	int r = fd < 0 ? -errno : include_pack(what, fd, facts);

	if (fd >= 0 && close(fd) < 0 && r == 0)
		r = -errno;
	return r;
}

int included_make(struct t3ops_ctx *ctx, const char *database, const struct backup_dir *dir, uint64_t until_us,
                  struct include_facts *facts, char *why, size_t why_size)
{
	struct included i;
	int r;

	*facts = (struct include_facts){0};
	if (!included_fill(&i, ctx, database, until_us))
		return 0;
	r = archive_make(&i.what, dir, facts);
	close(i.what.dir_fd);
	if (r < 0)
		snprintf(why, why_size, "the archive of other files in %.200s: %s", dir->path, strerror(-r));
	return r;
}

static int names_check(struct t3ops_ctx *ctx)
{
	const struct t3ops_host *host = ctx->host;

	for (size_t k = 0; k < host->opt_count(ctx, "include"); k++) {
		const char *name = host->opt_item(ctx, "include", k);

		if (!include_is_name(name)) {
			host->option_fault(
			    ctx, T3OPS_ERROR, "include",
			    "expected names of what lies beside the database, without slashes, and not the "
			    "database itself");
			return -EINVAL;
		}
		if (strcmp(name, SECRETS) == 0 && !secrets_may(ctx))
			host->option_fault(ctx, T3OPS_WARNING, "include",
			                   "secrets are left out unless encrypt_key or plain_secrets is set");
	}
	return 0;
}

int included_check(struct t3ops_ctx *ctx)
{
	if (ctx->host->opt_count(ctx, "include") > 0 && !include_is_there()) {
		ctx->host->option_fault(ctx, T3OPS_ERROR, "include", "this build of t3ops has no libarchive");
		return -ENOTSUP;
	}
	return names_check(ctx);
}
