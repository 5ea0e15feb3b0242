/* SPDX-License-Identifier: MIT */
/* Where a user's database is. */
#ifndef T3OPS_PLUGINS_BACKUP_DATABASE_PATH_H
#define T3OPS_PLUGINS_BACKUP_DATABASE_PATH_H

#include <stddef.h>

#include "plugin.h"

/* Fills %h %u %n %% of the option `database` in.  0, or -EINVAL (another letter), -ENOENT (nothing is known to fill
 * in), -ENAMETOOLONG. */
int database_path(char *out, size_t size, const char *pattern, const struct t3ops_user *user);

#endif
