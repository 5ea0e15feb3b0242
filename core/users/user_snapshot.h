/* SPDX-License-Identifier: MIT */
/*
 * Where the last good user table outlives the process that read it: shared memory made by the supervisor, one
 * snapshot a process, which only that process's processes see.  Two pages take turns and each carries a sum, so that
 * a table whose writer died over it, or met another writer, is not believed.
 */
#ifndef T3OPS_USERS_USER_SNAPSHOT_H
#define T3OPS_USERS_USER_SNAPSHOT_H

#include <stdbool.h>

#include "users/user_list.h"

/* An empty one, inherited by fork, and by exec with its memfd, which is the caller's.  NULL: errno. */
struct user_snapshot *snapshot_new(int *fd);
/* That of an earlier binary; the descriptor stays the caller's.  NULL: errno, EPROTO: of another layout. */
struct user_snapshot *snapshot_attach(int fd);
void snapshot_free(struct user_snapshot *s); /* unmaps; NULL is fine */

/* Puts a copy there; s may be NULL. */
void snapshot_put(struct user_snapshot *s, const struct user_list *l);
/* Whether there is something that may be whole; NULL is fine. */
bool snapshot_has(const struct user_snapshot *s);
/* A copy of what was put there last, for user_list_fini; false: nothing whole is there, or s is NULL. */
bool snapshot_get(const struct user_snapshot *s, struct user_list *out);

#endif
