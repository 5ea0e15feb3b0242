/* SPDX-License-Identifier: MIT */
/* What a person can ask of backups. */
#ifndef T3OPS_PLUGINS_BACKUP_ACTIONS_H
#define T3OPS_PLUGINS_BACKUP_ACTIONS_H

#include "backup_dir.h"
#include "plugin.h"

/* list, verify, drill, pin, unpin, release, restore: one of them, with its arguments from the host.  0 or -errno with
 * one line in why. */
int action_run(struct t3ops_ctx *ctx, const struct t3ops_user *user, const char *action, struct backup_dir *dir,
               uint64_t until_us, char *why, size_t why_size);

#endif
