/* SPDX-License-Identifier: MIT */
/* What a run takes along beside the database, by the section's options. */
#ifndef T3OPS_PLUGINS_BACKUP_INCLUDED_H
#define T3OPS_PLUGINS_BACKUP_INCLUDED_H

#include "backup_dir.h"
#include "include.h"
#include "plugin.h"

/* About how many bytes it is, of the user whose database that is; 0: nothing goes along. */
long long included_bytes(struct t3ops_ctx *ctx, const char *database, uint64_t until_us);

/* Makes the archive in dir, if anything is to go along.  0 or -errno with one line in why. */
int included_make(struct t3ops_ctx *ctx, const char *database, const struct backup_dir *dir, uint64_t until_us,
                  struct include_facts *facts, char *why, size_t why_size);
void included_report(struct t3ops_ctx *ctx, const struct include_facts *facts);

/* Whether the options say something that can be done.  0 or -EINVAL. */
int included_check(struct t3ops_ctx *ctx);

#endif
