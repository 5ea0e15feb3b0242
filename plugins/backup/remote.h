/* SPDX-License-Identifier: MIT */
/* One user's backups in an S3 store, S3_PREFIX/USER/, with a manifest of their own beside them. */
#ifndef T3OPS_PLUGINS_BACKUP_REMOTE_H
#define T3OPS_PLUGINS_BACKUP_REMOTE_H

#include "backup_dir.h"
#include "plugin.h"
#include "s3.h"

struct remote {
	struct t3ops_ctx *ctx;
	struct s3 s3;
	char dir[1024]; /* "PREFIX/USER" */
	char credentials[PATH_MAX];
	struct manifest manifest; /* of what is there */
	uint64_t until_us;
	char *why;
	size_t why_size;
};

/* Whether the section names a store. */
bool remote_is_set(struct t3ops_ctx *ctx);

/* Asks what is there.  0 or -errno with one line in why, which stays in use. */
int remote_open(struct remote *r, struct t3ops_ctx *ctx, const struct t3ops_user *user, uint64_t until_us, char *why,
                size_t why_size);
void remote_close(struct remote *r);

/* Sends what the rules keep and is not there yet, newest first, and removes what they do not keep (made: as in
 * retention_decide).  0 or -errno with one line in why; what was sent until then is there and listed. */
int remote_sync(struct remote *r, const struct backup_dir *dir, const struct retention *rules, const char *made);

/* A backup becomes the file BACKUP_DIR_FETCHED in the directory of backups, and the archive beside it
 * BACKUP_DIR_FETCHED_FILES, their digests compared.  0 or -errno with one line in why; -EBADMSG: it is damaged. */
int remote_fetch(struct remote *r, const struct backup_dir *dir, const struct backup_row *row);

/* Its manifest, after a change.  0 or -errno with one line in why. */
int remote_save(struct remote *r);

#endif
