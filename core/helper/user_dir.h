/* SPDX-License-Identifier: MIT */
/* The private directory of a user below a shared one, for jobs.  Helper only. */
#ifndef T3OPS_HELPER_USER_DIR_H
#define T3OPS_HELPER_USER_DIR_H

#include "users/users.h"

/* Makes BASE (0711, ours) and BASE/NAME (0700, the user's) where they are missing; refuses symbolic
 * links and a directory that belongs to somebody else.  0, or -errno with the reason in why.  As root the
 * directory is given to the user's OS account. */
int user_dir_make(const char *base, const struct user *user, char *why, size_t size);

#endif
