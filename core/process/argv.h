/* SPDX-License-Identifier: MIT */
/* Configured command lines with a user filled in.  Pure. */
#ifndef T3OPS_PROCESS_ARGV_H
#define T3OPS_PROCESS_ARGV_H

#include "options/option.h"
#include "users/users.h"

/* Expands %u %h %n %p %% in every item of `list`; NULL-terminated, free with argv_free.  NULL with
 * errno: ENOENT (the user has no home or OS user, which the command needs), EINVAL (unknown %x, empty
 * or too long), ENOMEM. */
char **argv_expand(const struct text_list *list, const struct user *user);
void argv_free(char **argv);

#endif
