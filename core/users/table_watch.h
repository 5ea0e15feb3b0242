/* SPDX-License-Identifier: MIT */
/*
 * When to read the user table: inotify on its directory and on the env files', on all that lead there (one of them
 * may be replaced, or made later), and a look every few seconds for what inotify does not see.  Blocks; for a process
 * without a loop.
 */
#ifndef T3OPS_USERS_TABLE_WATCH_H
#define T3OPS_USERS_TABLE_WATCH_H

#include <stdbool.h>

struct table_watch;

/* NULL without memory.  The strings stay the caller's. */
struct table_watch *table_watch_new(const char *path, const char *env_pattern);
/* Before a read: what changes from here on is a reason for the next one. */
void table_watch_begin(struct table_watch *w);
/* Waits for a reason, and until the table is not being written; false: stop_fd has something, or its other end is
 * closed. */
bool table_watch_wait(struct table_watch *w, int stop_fd);

#endif
