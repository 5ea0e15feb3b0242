/* SPDX-License-Identifier: MIT */
/*
 * What an archive of include.h holds comes in the place of what is in userdata/, each name at once, and all of them
 * or none: a swap that was killed is ended by include_swap_recover.
 *
 *   unpack     userdata/.files.unpacking/, synced, with a journal in it: which file the database is, and which is new
 *              of every name
 *   rename     that becomes userdata/files.replaced-STAMP/
 *   (the database is replaced: from here on a swap that was killed is finished, before it is undone)
 *   exchange   each name of it with the one in userdata/: afterwards the old ones are there
 *   end        the journal goes; the directory is for nobody but a person to remove
 */
#ifndef T3OPS_PLUGINS_BACKUP_INCLUDE_SWAP_H
#define T3OPS_PLUGINS_BACKUP_INCLUDE_SWAP_H

#include <limits.h>
#include <stddef.h>
#include <stdint.h>

struct include_swap {
	char dir[PATH_MAX];  /* userdata/ */
	char kept[PATH_MAX]; /* where the new ones are until they are exchanged, then the old ones; "": no swap */
	int lock_fd;         /* of that directory: held, it is in progress */
};

/* Unpacks the archive opened at fd, and exchanges nothing.  database: its path, which tells the directory; at_s names
 * what is kept.  0 or -errno with one line in why; then nothing is left of it. */
int include_swap_begin(struct include_swap *s, const char *database, int fd, long long at_s, uint64_t until_us,
                       char *why, size_t why_size);
/* After the database was replaced: the new ones are in userdata/.  0 or -errno with one line in why. */
int include_swap_exchange(const struct include_swap *s, char *why, size_t why_size);
/* It stays so. */
void include_swap_end(struct include_swap *s);
/* After the old database is back: all of it back, and no name that was not there before.  0 or -errno with one line
 * in why. */
int include_swap_undo(struct include_swap *s, char *why, size_t why_size);

/* Ends a swap that was killed, as the database tells: what became of it, static; NULL: there was none. */
const char *include_swap_recover(const char *database);

#endif
