/* SPDX-License-Identifier: MIT */
/* See restore.h. */
#include "restore.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/copy.h"
#include "common/server_hold.h"
#include "common/user_path.h"
#include "include.h"
#include "include_swap.h"
#include "interrupted.h"
#include "replace.h"
#include "common/user_server.h"

#define UNDO_SHARE 3 /* of the time that is left, this part is for undoing */

struct restore {
	struct t3ops_ctx *ctx;
	const struct t3ops_user *user;
	struct backup_dir *dir;
	const struct backup_row *row;
	const char *stored;  /* name of its file in dir */
	char file[PATH_MAX]; /* the database of that backup */
	int files_fd;        /* the archive beside it; -1: none */
	uint64_t until_us;
	char *why;
	size_t why_size;
};

static uint64_t now_us(const struct restore *r)
{
	return r->ctx->host->now_us(r->ctx);
}

/* ---- the backup -------------------------------------------------------------------------------------------- */

/* That it is a whole database; its digest is compared while it is copied. */
static int backup_check(struct restore *r)
{
	struct copy_facts facts;
	int error = backup_dir_database(r->dir, r->row, r->stored, r->until_us, r->file, r->why, r->why_size);

	if (error < 0)
		return error;
	error = copy_verify(r->file, r->until_us, &facts, r->why, r->why_size);
	copy_facts_fini(&facts);
	if (error != -ENOTSUP)
		return error;
	r->ctx->host->report(r->ctx, "schema_newer", "%s", r->why); /* only its digest can be checked */
	return 0;
}

static int backup_open(const struct restore *r)
{
	int fd = open(r->file, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0)
		snprintf(r->why, r->why_size, "%.200s: %s", r->file, strerror(errno));
	return fd;
}

/* ---- elsewhere --------------------------------------------------------------------------------------------- */

/* The one of PATH, PATH-wal and the like that is there, as a link perhaps to nothing; NULL: none is. */
static const char *in_the_way(const char *to)
{
	static const char *const suffixes[] = {"", "-wal", "-shm", "-journal"};
	char path[PATH_MAX];
	struct stat st;

	for (size_t i = 0; i < sizeof suffixes / sizeof suffixes[0]; i++)
		if (snprintf(path, sizeof path, "%s%s", to, suffixes[i]) < (int)sizeof path && lstat(path, &st) == 0)
			return suffixes[i];
	return NULL;
}

/* PATH.files/ */
static int files_to(struct restore *r, const char *to)
{
	char dir[PATH_MAX];
	int error = 0;

	if (snprintf(dir, sizeof dir, "%s.files", to) >= (int)sizeof dir)
		error = -ENAMETOOLONG;
	else if (mkdir(dir, 0700) < 0)
		error = -errno;
	if (error == 0)
		error = include_unpack(r->files_fd, dir, r->until_us);
	if (error < 0)
		snprintf(r->why, r->why_size, "the database is there, but not %.200s: %s", dir, strerror(-error));
	else
		r->ctx->host->report(r->ctx, "files", "%s", dir);
	return error;
}

static int to_path(struct restore *r, const char *to)
{
	const char *there = in_the_way(to);
	struct replacement replaced;
	int fd, error;

	if (to[0] != '/' || there != NULL) {
		snprintf(r->why, r->why_size, "--to %.200s%s: %s", to, there != NULL ? there : "",
		         to[0] != '/' ? "expected an absolute path" : "it exists, and nothing is overwritten");
		return -EINVAL;
	}
	fd = backup_open(r);
	if (fd < 0)
		return -EIO;
	error = replace_database(&replaced, to, fd, backup_row_digest(r->row), r->row->at_s, r->until_us, r->why,
	                         r->why_size);
	close(fd);
	return error == 0 && r->files_fd >= 0 ? files_to(r, to) : error;
}

/* ---- in place ------------------------------------------------------------------------------------------------ */

/* The old one is back, and its server too if we stopped it. */
static int undo(struct restore *r, struct user_server *server, const struct replacement *replaced,
                struct include_swap *files, bool stopped)
{
	char first[200], why[200] = "";
	bool back = false, files_back = false;
	int error = 0;

	snprintf(first, sizeof first, "%s", r->why);
	if (stopped)
		error = user_server_stop(server, r->until_us, why, sizeof why);
	if (error == 0)
		error = replace_undo(replaced, why, sizeof why);
	back = error == 0;
	if (error == 0)
		error = include_swap_undo(files, why, sizeof why);
	files_back = error == 0;
	if (error == 0 && stopped)
		error = user_server_start(server, r->until_us, why, sizeof why);
	if (error == 0)
		snprintf(r->why, r->why_size, "%s; the old database is back%s", first,
		         stopped ? ", and its server runs" : "");
	else if (back)
		snprintf(r->why, r->why_size, "%.120s; the old database is back, but %s: %.120s", first,
		         files_back ? "its server does not work with it either" : "not the files that came with it",
		         why);
	else
		snprintf(r->why, r->why_size, "undoing it failed, and the old database is %.150s: %.60s; %.60s",
		         replaced->kept, why, first);
	return error;
}

/* Its archive is unpacked before the database is replaced: what was killed after that can be finished. */
static int both_replace(struct restore *r, const char *database, struct replacement *replaced,
                        struct include_swap *files)
{
	long long at_s = (long long)(r->ctx->host->wall_us(r->ctx) / 1000000);
	int fd = backup_open(r), error = fd < 0 ? -EIO : 0;
	char why[200];

	if (error == 0 && r->files_fd >= 0)
		error = include_swap_begin(files, database, r->files_fd, at_s, r->until_us, r->why, r->why_size);
	if (error == 0) {
		error = replace_database(replaced, database, fd, backup_row_digest(r->row), at_s, r->until_us, r->why,
		                         r->why_size);
		if (error < 0)
			include_swap_undo(files, why, sizeof why);
	}
	if (fd >= 0)
		close(fd);
	return error;
}

static int database_swap(struct restore *r, struct user_server *server, bool stopped)
{
	uint64_t now = now_us(r), left = r->until_us > now ? r->until_us - now : 0;
	struct include_swap files = {.kept = "", .lock_fd = -1};
	struct replacement replaced;
	int error = both_replace(r, server->database, &replaced, &files);

	if (error < 0)
		return error;
	error = include_swap_exchange(&files, r->why, r->why_size);
	if (error == 0 && stopped)
		error = user_server_start(server, r->until_us - left / UNDO_SHARE, r->why, r->why_size);
	if (error < 0)
		undo(r, server, &replaced, &files, stopped);
	else
		include_swap_end(&files);
	if (error == 0 && files.kept[0] != '\0')
		r->ctx->host->report(r->ctx, "replaced_files", "%s", files.kept);
	if (error == 0 && replaced.kept[0] != '\0')
		r->ctx->host->report(r->ctx, "replaced", "%s", replaced.kept);
	return error;
}

/* What was stopped is started again, whatever became of the rest. */
static int stopped_swap(struct restore *r, struct user_server *server)
{
	char why[200];
	int error = database_swap(r, server, true);

	if (error < 0 && user_server_running(server, why, sizeof why) == NULL)
		user_server_start(server, r->until_us, why, sizeof why);
	if (user_server_running(server, why, sizeof why) != NULL)
		interrupted_end(r->dir);
	return error;
}

/* dry-run goes so far. */
static int plan_report(struct restore *r, const struct user_server *server, const char *running)
{
	r->ctx->host->report(r->ctx, "would", "%s, and put %s%s in the place of %s",
	                     running != NULL ? "stop the server" : "find no server", r->row->file,
	                     r->files_fd >= 0 ? " and the files that went along" : "", server->database);
	return 0;
}

/* A server is not stopped that nobody can start. */
static int commands_check(struct restore *r)
{
	static const char *const options[] = {"stop_command", "start_command"};

	for (size_t i = 0; i < sizeof options / sizeof options[0]; i++)
		if (*r->ctx->host->opt_string(r->ctx, options[i]) == '\0') {
			snprintf(r->why, r->why_size, "the option %s names no command", options[i]);
			return -ENOENT;
		}
	return 0;
}

static int in_place(struct restore *r)
{
	const struct t3ops_host *host = r->ctx->host;
	char database[PATH_MAX], busy[320];
	struct user_server server = {.ctx = r->ctx, .user = r->user, .database = database};
	bool may_stop = host->argument(r->ctx, "stop") != NULL;
	const char *running;
	int error = user_path(database, sizeof database, host->opt_string(r->ctx, "database"), r->user);

	if (error < 0) {
		snprintf(r->why, r->why_size, "option database cannot be filled in");
		return error;
	}
	error = server_hold(r->user, r->why, r->why_size);
	if (error < 0)
		return error;
	running = user_server_running(&server, busy, sizeof busy);
	if (running != NULL && !may_stop) {
		snprintf(r->why, r->why_size, "the server runs: %.200s; stop it, or say --stop", busy);
		return -EBUSY;
	}
	if (running != NULL) {
		error = commands_check(r);
		if (error < 0)
			return error;
	}
	if (host->argument(r->ctx, "dry-run") != NULL)
		return plan_report(r, &server, running);
	if (running == NULL) {
		error = user_server_hold(&server, r->until_us, r->why, r->why_size);
		return error < 0 ? error : database_swap(r, &server, false);
	}
	error = interrupted_begin(r->dir);
	if (error < 0) {
		snprintf(r->why, r->why_size, "directory %.200s: %s", r->dir->path, strerror(-error));
		return error;
	}
	error = user_server_stop(&server, r->until_us, r->why, r->why_size);
	return error < 0 ? error : stopped_swap(r, &server);
}

int restore(struct t3ops_ctx *ctx, const struct t3ops_user *user, struct backup_dir *dir,
            const struct backup_row *row, const char *stored, int files_fd, uint64_t until_us, char *why,
            size_t why_size)
{
	struct restore r = {.ctx = ctx,
	                    .user = user,
	                    .dir = dir,
	                    .row = row,
	                    .stored = stored,
	                    .files_fd = files_fd,
	                    .until_us = until_us,
	                    .why = why,
	                    .why_size = why_size};
	const char *to = ctx->host->argument(ctx, "to");
	int error = backup_check(&r);

	if (error == 0)
		error = to != NULL ? to_path(&r, to) : in_place(&r);
	if (error == 0) {
		ctx->host->report(ctx, "file", "%s", r.row->file);
		ctx->host->report_row(ctx);
	}
	return error;
}
