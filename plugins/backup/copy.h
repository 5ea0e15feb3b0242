/* SPDX-License-Identifier: MIT */
/* A verified copy of a SQLite database that others may be writing to. */
#ifndef T3OPS_PLUGINS_BACKUP_COPY_H
#define T3OPS_PLUGINS_BACKUP_COPY_H

#include <stddef.h>
#include <stdint.h>

#define COPY_UNREAD 1

/* Makes `to`, which must not exist, with VACUUM INTO, and checks it.  Stops at until_us (of
 * CLOCK_MONOTONIC).  0, or with one line in why: -ETIMEDOUT (late), -EBUSY (locked), -ENOSPC (disk or
 * quota full), -EBADMSG (the source is damaged), -ENOTSUP (our SQLite cannot read its schema, nor copy it), -ENOENT,
 * -ENODATA (no tables), -EACCES, -EIO.  COPY_UNREAD: it is made, page by page, of a schema that our SQLite cannot
 * read for it is newer, as why says; checked are the tables that can be read. What it made of `to` stays for the
 * caller to remove. */
int copy_database(const char *from, const char *to, uint64_t until_us, char *why, size_t why_size);

#endif
