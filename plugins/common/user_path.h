/* SPDX-License-Identifier: MIT */
/* Paths of the configuration that differ from user to user. */
#ifndef T3OPS_PLUGINS_COMMON_USER_PATH_H
#define T3OPS_PLUGINS_COMMON_USER_PATH_H

#include <stddef.h>

#include "plugin.h"

/* Fills %h %u %n %% in.  0, or -EINVAL (another letter), -ENOENT (nothing is known to fill
 * in), -ENAMETOOLONG. */
int user_path(char *out, size_t size, const char *pattern, const struct t3ops_user *user);

#endif
