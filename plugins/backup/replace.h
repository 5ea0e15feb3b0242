/* SPDX-License-Identifier: MIT */
/*
 * Puts a backup in the place of a database, so that whatever happens there is the old one or the new one.
 *
 *   copy it beside            DATABASE.replacing, synced, its digest compared
 *   -wal into the database    by a checkpoint, as its owner's program would have done on closing it
 *   lock                      whoever opens the old database from here on is told that it is busy
 *   keep the old              DATABASE.replaced-STAMP, a second link, with its -wal if the checkpoint could not
 *                             be made (the database is damaged), or its -journal if it was killed while it wrote
 *   rename                    DATABASE.replacing becomes DATABASE
 */
#ifndef T3OPS_PLUGINS_BACKUP_REPLACE_H
#define T3OPS_PLUGINS_BACKUP_REPLACE_H

#include <limits.h>
#include <stddef.h>
#include <stdint.h>

struct replacement {
	const char *database; /* its path */
	char kept[PATH_MAX];  /* the old one's new path; "": there was none, though perhaps its -wal file, which is
	                         kept */
};

/* Opened at backup_fd, whose digest is sha256 ("": not known).  at_s names what is kept.  0, or -errno with one line
 * in why: -EBUSY, a program has it open; -EBADMSG, the backup is not what it was; -ETIMEDOUT. */
int replace_database(struct replacement *r, const char *database, int backup_fd, const char *sha256, long long at_s,
                     uint64_t until_us, char *why, size_t why_size);

/* A replacement of it was killed halfway: what it began is removed, and the old one is whole again.  Else nothing. */
void replace_recover(const char *database);

/* The old one is back; the new one is removed.  0 or -errno with one line in why. */
int replace_undo(const struct replacement *r, char *why, size_t why_size);

#endif
