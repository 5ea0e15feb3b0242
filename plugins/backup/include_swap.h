/* SPDX-License-Identifier: MIT */
/*
 * What an archive of include.h holds comes in the place of what is in userdata/, each name at once.
 *
 *   unpack     userdata/.files.unpacking/, synced; one that is found there is of a restore that was killed, and
 * removed rename     that becomes userdata/files.replaced-STAMP/, which nobody removes but a person exchange   each
 * name of it with the one in userdata/: afterwards the old ones are there
 */
#ifndef T3OPS_PLUGINS_BACKUP_INCLUDE_SWAP_H
#define T3OPS_PLUGINS_BACKUP_INCLUDE_SWAP_H

#include <limits.h>
#include <stddef.h>
#include <stdint.h>

struct include_swap {
	char dir[PATH_MAX];  /* userdata/ */
	char kept[PATH_MAX]; /* where the old ones are; "": nothing was exchanged */
};

/* The archive opened at fd; database: path of the database, which tells the directory; at_s names what is kept.  0 or
 * -errno with one line in why; then nothing has changed. */
int include_swap(struct include_swap *s, const char *database, int fd, long long at_s, uint64_t until_us, char *why,
                 size_t why_size);
/* All of it back. */
int include_swap_undo(const struct include_swap *s, char *why, size_t why_size);

#endif
