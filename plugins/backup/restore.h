/* SPDX-License-Identifier: MIT */
/* A backup becomes the database again, or a file elsewhere. */
#ifndef T3OPS_PLUGINS_BACKUP_RESTORE_H
#define T3OPS_PLUGINS_BACKUP_RESTORE_H

#include "backup_dir.h"
#include "plugin.h"

/* The action restore: verifies the backup; files_fd: the archive beside it, opened, -1: there is none, or it stays
 * where it is; to a path that does not exist yet (argument `to`), or in the place of the user's database.  There it
 * refuses while the server runs, unless it may stop it (argument `stop`), starts it again, has a browser's session
 * made with it, and undoes all of that if it fails.  dry-run: says what it would do.  0 or -errno with one line in
 * why. */
int restore(struct t3ops_ctx *ctx, const struct t3ops_user *user, struct backup_dir *dir,
            const struct backup_row *row, const char *stored, int files_fd, uint64_t until_us, char *why,
            size_t why_size);

#endif
