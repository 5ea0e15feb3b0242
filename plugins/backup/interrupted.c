/* SPDX-License-Identifier: MIT */
/* See interrupted.h. */
#include "interrupted.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "common/due.h"
#include "common/server_hold.h"
#include "common/user_path.h"
#include "include_swap.h"
#include "replace.h"

#define MARK        ".restoring"
#define START_SHARE 2 /* at most this part of the time goes into it */

int interrupted_begin(const struct backup_dir *dir)
{
	int fd = openat(dir->fd, MARK, O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	int r = fd < 0 || fsync(fd) < 0 || fsync(dir->fd) < 0 ? -errno : 0;

	if (fd >= 0)
		close(fd);
	return r;
}

void interrupted_end(const struct backup_dir *dir)
{
	unlinkat(dir->fd, MARK, 0);
}

static bool server_start(struct user_server *server, const struct backup_dir *dir, uint64_t until_us)
{
	uint64_t now = due_now_us();
	char why[320] = "";
	int r;

	if (server_hold(server->user, why, sizeof why) < 0)
		return false; /* who has it in hand starts it, or the next run does */
	if (user_server_running(server, why, sizeof why) != NULL) {
		interrupted_end(dir);
		return false;
	}
	r = user_server_start(server, until_us > now ? now + (until_us - now) / START_SHARE : now, why, sizeof why);
	if (r == 0)
		interrupted_end(dir);
	server->ctx->host->report(server->ctx, "restore_interrupted", "the t3 server was left stopped; %s%s",
	                          r == 0 ? "it is started again" : "starting it failed: ", why);
	return true;
}

bool interrupted_finish(struct t3ops_ctx *ctx, const struct t3ops_user *user, const struct backup_dir *dir,
                        uint64_t until_us)
{
	char database[PATH_MAX];
	struct user_server server = {.ctx = ctx, .user = user, .database = database};
	const char *files;

	if (user_path(database, sizeof database, ctx->host->opt_string(ctx, "database"), user) < 0)
		return false;
	replace_recover(database);
	files = include_swap_recover(database);
	if (files != NULL)
		ctx->host->report(ctx, "restore_files", "%s", files);
	return (faccessat(dir->fd, MARK, F_OK, AT_SYMLINK_NOFOLLOW) == 0 && server_start(&server, dir, until_us)) ||
	       files != NULL;
}
