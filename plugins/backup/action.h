/* SPDX-License-Identifier: MIT */
/* What the files of actions share: one action for one user, and what several of them do. */
#ifndef T3OPS_PLUGINS_BACKUP_ACTION_H
#define T3OPS_PLUGINS_BACKUP_ACTION_H

#include "backup_dir.h"
#include "plugin.h"
#include "remote.h"

struct action {
	struct t3ops_ctx *ctx;
	const struct t3ops_user *user;
	struct backup_dir *dir;
	struct remote *remote;     /* NULL: it is about the backups on this machine */
	struct manifest *manifest; /* of those that it is about */
	uint64_t until_us;
	char *why;
	size_t why_size;
};

/* One row of the answer. */
void action_report(const struct action *a, const struct backup_row *row);
/* The answer is that there is no backup. */
void action_note_none(const struct action *a);
/* The backup of the argument `at`, else the newest good one; NULL with the reason. */
struct backup_row *action_choose(struct action *a);
/* Its file is in the directory afterwards; under which name.  0 or -errno with one line in why. */
int action_fetch(struct action *a, const struct backup_row *row, const char **stored);
/* The archive beside it, opened, as backup_dir_files; after action_fetch or action_verify. */
int action_files(struct action *a, const struct backup_row *row);
/* Reads it whole: its SHA-256, its integrity, its tables, and the archive beside it.  path: its database, until the
 * directory is closed.  0 or -errno with one line in why: -EBADMSG, -ENODATA: it is damaged; -ENOTSUP: its schema is
 * newer than our SQLite. */
int action_verify(struct action *a, struct backup_row *row, char path[PATH_MAX]);
/* Writes the manifest.  0 or -errno with one line in why. */
int action_save(struct action *a);

#endif
