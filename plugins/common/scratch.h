/* SPDX-License-Identifier: MIT */
/* Directories of a trial: a base directory of t3 with a copy of the database, and one with the user's link (of
 * upgrade), which the rehearsal sees in the places of the real ones. */
#ifndef T3OPS_PLUGINS_COMMON_SCRATCH_H
#define T3OPS_PLUGINS_COMMON_SCRATCH_H

#include <limits.h>

struct scratch {
	char base[PATH_MAX]; /* in the place of the user's base directory of t3 */
	char link[PATH_MAX]; /* in the place of the user's directory of upgrade */
	char database[PATH_MAX];
};

/* Makes DIR/NAME from the small files of base_dir (secrets, settings; not what projects and attachments hold) and a
 * copy of the database.  0 or -errno. */
int scratch_make(struct scratch *s, const char *dir, const char *name, const char *base_dir, const char *database);
/* The link leads to that prefix from now on.  0 or -errno. */
int scratch_link(const struct scratch *s, const char *prefix);
/* Removes DIR with all that is in it; one that does not exist is fine. */
void scratch_remove(const char *dir);

/* A whole file, synced; what is at `to` is replaced.  0 or -errno. */
int file_copy(const char *from, const char *to, long long most_bytes);
int file_sync(const char *path);
/* The directory that the file is in. */
int dir_sync_of(const char *path);

#endif
