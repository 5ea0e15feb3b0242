/* SPDX-License-Identifier: MIT */
/* A restore that was killed while the t3 server was stopped for it: .restoring in the backup directory says so. */
#ifndef T3OPS_PLUGINS_BACKUP_INTERRUPTED_H
#define T3OPS_PLUGINS_BACKUP_INTERRUPTED_H

#include "backup_dir.h"
#include "common/user_server.h"

/* Before the server is stopped, and when it is over, however it ended.  begin: 0 or -errno. */
int interrupted_begin(const struct backup_dir *dir);
void interrupted_end(const struct backup_dir *dir);

/* The first thing of every run and action: ends a swap that was killed halfway, of the database and of other
 * files, and has a server started again that
 * such a restore left behind, unless it runs, and reports it.  Whether it had to. */
bool interrupted_finish(struct t3ops_ctx *ctx, const struct t3ops_user *user, const struct backup_dir *dir,
                        uint64_t until_us);

#endif
