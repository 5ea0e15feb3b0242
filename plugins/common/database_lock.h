/* SPDX-License-Identifier: MIT */
/* Who has a SQLite database open.  With a -wal file, as t3 has them, a connection holds a lock from its first look
 * on; until then, and without a -wal file, only its descriptor tells. */
#ifndef T3OPS_PLUGINS_COMMON_DATABASE_LOCK_H
#define T3OPS_PLUGINS_COMMON_DATABASE_LOCK_H

#include <fcntl.h>
#include <sys/types.h>

/* All bytes that SQLite locks, as a lock of that type. */
struct flock database_lock_range(short type);

/* Another process of this account that has the file open, locked or not; 0: none has. */
pid_t database_opener(const char *database);

/* A process that has the database open; 0: none has, or there is no such file; or -errno. */
pid_t database_user(const char *database);

#endif
