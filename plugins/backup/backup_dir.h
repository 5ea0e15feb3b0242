/* SPDX-License-Identifier: MIT */
/* The directory of one user's backups: their names, how many stay, and what a killed run left behind. */
#ifndef T3OPS_PLUGINS_BACKUP_BACKUP_DIR_H
#define T3OPS_PLUGINS_BACKUP_BACKUP_DIR_H

#include <limits.h>
#include <stddef.h>
#include <stdint.h>
#include "crypt.h"
#include "manifest.h"
#include "retention.h"

struct backup_dir {
	int fd; /* of the directory; locked */
	char path[PATH_MAX];
	char partial[PATH_MAX]; /* where the copy is made */
	char files[PATH_MAX];   /* and the archive of other files, before backup_dir_put */
	struct manifest manifest;
	const struct crypt_key *key; /* for backups that are encrypted; NULL: none */
};

/* Opens and locks BASE/USER, removes leftover partials and reads its manifest.  0 or -errno with one line in why;
 * EBUSY: another process is at work here. */
int backup_dir_open(struct backup_dir *s, const char *base, const char *user, char *why, size_t why_size);
/* Whether a backup can be made in it.  0 or -errno with one line in why. */
int backup_dir_writable(const struct backup_dir *s, char *why, size_t why_size);
/* Removes leftover partials, the current copy among them, and unlocks the directory. */
void backup_dir_close(struct backup_dir *s);

/* Packs the copy, and the archive if there is one (level > 0: with zstd), encrypts them if there is a key, syncs
 * them, gives them the name of that moment (row->at_s; a taken name becomes that of a second later) and syncs the
 * directory.  Writes the name, the sizes and the digests (row->sha256 may be that of the copy already) to *row and
 * the row to the manifest, which takes row->rows.  0 or -errno. */
int backup_dir_put(struct backup_dir *s, struct backup_row *row, int level, uint64_t until_us);

/* What remote_fetch writes, and the archive beside it; gone after backup_dir_close. */
#define BACKUP_DIR_FETCHED       ".state.partial.fetched"
#define BACKUP_DIR_FETCHED_FILES BACKUP_DIR_FETCHED ".files"

/* The database of a backup, whose file is called stored (row->file, or BACKUP_DIR_FETCHED), at *path, until
 * backup_dir_close: the file itself, or what was packed in it as the partial; then its digest has been compared.  0,
 * or -errno with one line in why; -EBADMSG: it is damaged. */
int backup_dir_database(struct backup_dir *s, const struct backup_row *row, const char *stored, uint64_t until_us,
                        char path[PATH_MAX], char *why, size_t why_size);
/* The archive of other files of a backup that has one, as it was before it was packed and encrypted, its digest
 * compared.  Opened, or -errno with one line in why, as backup_dir_database. */
int backup_dir_files(struct backup_dir *s, const struct backup_row *row, const char *stored, uint64_t until_us,
                     char *why, size_t why_size);
/* The digest of the database in it; "": not known. */
const char *backup_row_digest(const struct backup_row *row);

struct backup_kept {
	size_t n;
	long long bytes;
	size_t over_budget; /* removed although a rule would have kept it */
	int error;          /* of the first one that could not be removed; 0 */
};

/* Removes what the rules do not keep (made: as in retention_decide), and writes the manifest.  0 or -errno of the
 * manifest. */
int backup_dir_keep(struct backup_dir *s, const struct retention *r, const char *made, long long now_s,
                    struct backup_kept *kept);

#endif
