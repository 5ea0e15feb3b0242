/* SPDX-License-Identifier: MIT */
/* A user table from its file, once.  Blocks, for as long as accounts, homes and env files take; never on a loop. */
#ifndef T3OPS_USERS_USER_LIST_LOAD_H
#define T3OPS_USERS_USER_LIST_LOAD_H

#include "users/user_list.h"

/* user_list_parse of a file; -EINVAL, too, if it cannot be read. */
int user_list_load(struct user_list *out, const char *path, const char *env_pattern, uint64_t accounts_for_us,
                   char *why, size_t why_size);

#endif
