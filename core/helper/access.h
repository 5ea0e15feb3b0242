/* SPDX-License-Identifier: MIT */
/* Whether an account could run a program: every directory on the way to be entered, the file to be executed.
 * By mode and owner alone; any process. */
#ifndef T3OPS_HELPER_ACCESS_H
#define T3OPS_HELPER_ACCESS_H

#include <stddef.h>
#include <sys/types.h>

struct account {
	uid_t uid;
	gid_t *groups;
	size_t n_groups;
};

/* 0, or -errno; free groups with account_fini. */
int account_of(struct account *a, const char *name);
/* Of this process. */
int account_self(struct account *a);
void account_fini(struct account *a);

/* 0; -ENOENT and the like from stat(2); -EACCES with the file or directory that is in the way in at; -EISDIR if path
 * is not a regular file. */
int account_can_run(const struct account *a, const char *path, char *at, size_t size);

#endif
