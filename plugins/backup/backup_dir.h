/* SPDX-License-Identifier: MIT */
/* The directory of one user's backups: their names, how many stay, and what a killed run left behind. */
#ifndef T3OPS_PLUGINS_BACKUP_BACKUP_DIR_H
#define T3OPS_PLUGINS_BACKUP_BACKUP_DIR_H

#include <limits.h>
#include <stddef.h>
#include <time.h>

#define BACKUP_NAME_SIZE 64

struct backup_dir {
	int fd; /* of the directory; locked */
	char path[PATH_MAX];
	char partial[PATH_MAX]; /* where the copy is made */
};

/* Opens and locks BASE/USER and removes leftover partials.  0 or -errno with one line in why; EBUSY: another
 * process is at work here. */
int backup_dir_open(struct backup_dir *s, const char *base, const char *user, char *why, size_t why_size);
/* Removes leftover partials, the current copy among them, and unlocks the directory. */
void backup_dir_close(struct backup_dir *s);

/* Those that somebody asked for have names of their own and are counted by themselves: they never take the place of
 * scheduled ones. */
enum backup_kind { BACKUP_SCHEDULED, BACKUP_ASKED };

/* Syncs the copy, gives it the name of that moment and syncs the directory.  name: BACKUP_NAME_SIZE bytes;
 * a taken name becomes that of a second later.  *bytes: the size.  0 or -errno. */
int backup_dir_put(struct backup_dir *s, time_t now, enum backup_kind kind, char *name, long long *bytes);

/* Removes the oldest backups of that kind until `keep` are left; never `newest`.  Returns how many are left, or
 * -errno. */
int backup_dir_keep(struct backup_dir *s, int keep, enum backup_kind kind, const char *newest);

#endif
