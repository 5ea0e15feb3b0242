/* SPDX-License-Identifier: MIT */
/* The private folder of a user below a shared one, for jobs.  Runner only. */
#ifndef T3OPS_RUNNER_USER_DIR_H
#define T3OPS_RUNNER_USER_DIR_H

#include "base/users.h"

/* Makes BASE (0711, ours) and BASE/NAME (0700, the user's) where they are missing; refuses symbolic
 * links and a folder that belongs to somebody else.  0 or -errno after one log line.  As root the
 * folder is given to the user's OS account. */
int user_dir_make(const char *base, const struct user *user);

#endif
