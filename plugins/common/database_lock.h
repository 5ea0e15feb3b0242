/* SPDX-License-Identifier: MIT */
/* Who has a SQLite database open.  Only of databases with a -wal file, as t3 has them: their connections hold a lock
 * for as long as they live. */
#ifndef T3OPS_PLUGINS_COMMON_DATABASE_LOCK_H
#define T3OPS_PLUGINS_COMMON_DATABASE_LOCK_H

#include <fcntl.h>
#include <sys/types.h>

/* All bytes that SQLite locks, as a lock of that type. */
struct flock database_lock_range(short type);

/* A process that has the database open; 0: none has, or there is no such file; or -errno. */
pid_t database_user(const char *database);

#endif
