/* SPDX-License-Identifier: MIT */
/* The folder of one user's backups: their names, how many stay, and what a killed run left behind. */
#ifndef T3OPS_PLUGINS_BACKUP_SHELF_H
#define T3OPS_PLUGINS_BACKUP_SHELF_H

#include <limits.h>
#include <stddef.h>
#include <time.h>

#define SHELF_NAME_SIZE 64

struct shelf {
	int fd; /* of the folder; locked */
	char path[PATH_MAX];
	char partial[PATH_MAX]; /* where the copy is made */
};

/* Opens and locks BASE/USER and removes leavings.  0 or -errno with one line in why; EBUSY: another
 * process is at work here. */
int shelf_open(struct shelf *s, const char *base, const char *user, char *why, size_t why_size);
/* Removes leavings, the copy under way among them, and lets go. */
void shelf_close(struct shelf *s);

/* Syncs the copy, gives it the name of that moment and syncs the folder.  name: SHELF_NAME_SIZE bytes;
 * a taken name becomes that of a second later.  *bytes: the size.  0 or -errno. */
int shelf_put(struct shelf *s, time_t now, char *name, long long *bytes);

/* Removes the oldest backups until `keep` are left; never `newest`.  Returns how many are left, or
 * -errno. */
int shelf_keep(struct shelf *s, int keep, const char *newest);

#endif
