/* SPDX-License-Identifier: MIT */
/*
 * Where the last good user table outlives the process that read it: shared memory made by the supervisor, one
 * shelf a room, which only that room's processes see.  Two pages take turns and each carries a sum, so that a
 * table whose writer died over it, or met another writer, is not believed.
 */
#ifndef T3OPS_BASE_USER_SHELF_H
#define T3OPS_BASE_USER_SHELF_H

#include "base/users.h"

/* Empty, inherited by fork, and by exec with its memfd, which is the caller's.  NULL: errno. */
struct user_shelf *shelf_new(int *fd);
/* That of an earlier binary; the descriptor stays the caller's.  NULL: errno, EPROTO: of another layout. */
struct user_shelf *shelf_attach(int fd);
void shelf_free(struct user_shelf *s); /* unmaps; NULL is fine */

/* Puts a copy there; s may be NULL. */
void shelf_put(struct user_shelf *s, const struct user_list *l);
/* A copy of what was put there last, for user_list_fini; false: nothing whole is there, or s is NULL. */
bool shelf_get(const struct user_shelf *s, struct user_list *out);

#endif
