/* SPDX-License-Identifier: MIT */
/* Users who never ran t3: no fault of theirs is one.  Looks at files and connects; for whoever reads the table. */
#ifndef T3OPS_USERS_USER_ABSENCE_H
#define T3OPS_USERS_USER_ABSENCE_H

#include "users/user_list.h"

/* Whether there is nothing at all: no database in the home, no env file, and nobody who listens where the t3 server
 * of that user would be.  False, too, if one of the three cannot be seen, or is on another machine. */
bool user_never_ran(const struct user *u, const char *env_pattern);

#endif
