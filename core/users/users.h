/* SPDX-License-Identifier: MIT */
/*
 * The user table: identity -> OS user, home, address and port of the t3 server.  Read from a file
 * in one of two forms (lines NAME=OS_USER with T3_PORT in an env file; or JSON, whose rows may
 * also say "host"; in lines also NAME=HOST:PORT or NAME=OS_USER@HOST:PORT), re-read when it changes.
 * A file that cannot be read leaves the last valid table active, also that of a previous process (user_snapshot.h).
 * Reading is another process's work (users_reader.h); the loop only takes what it hands over.
 */
#ifndef T3OPS_USERS_USERS_H
#define T3OPS_USERS_USERS_H

#include <stdbool.h>

#include "users/user_list.h"

struct users;
struct users_reader;

/* Called after every re-read that changed something.  before is valid until it returns. */
typedef void (*users_changed_cb)(void *arg, const struct user_list *before, const struct user_list *now);
enum users_state {
	USERS_GOOD,
	USERS_PARTIAL, /* some rows are at fault: their users have the port they had, or are not users */
	USERS_BROKEN,  /* the last good table is used, if there is one */
};

/* Called when the state of the file, or what is wrong with it, changes; why is NULL when it is good again. */
typedef void (*users_state_cb)(void *arg, enum users_state state, const char *why);
/* One that logs it, for processes that have nothing else to do then. */
void users_state_log(void *arg, enum users_state state, const char *why);

/* Takes the reader, and its first result: if the file is broken it says so and starts with the snapshot's table, else
 * with an empty one; without a result yet, with the snapshot's table.  NULL: errno, EINVAL: the source must be read
 * and cannot be, which on_state was reported. */
struct users *users_new(struct users_reader *reader, users_changed_cb on_changed, users_state_cb on_state, void *arg);
void users_free(struct users *u);
/* False: no table could ever be read; who is not in the empty list may be a user all the same. */
bool users_are_known(const struct users *u);
const struct user_list *users_list(const struct users *u);
const struct user *users_find(const struct users *u, const char *name);

#endif
