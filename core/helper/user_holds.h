/* SPDX-License-Identifier: MIT */
/*
 * Jobs that hold a user's commands: between the stop of a t3 server and its start nobody else's program may meet its
 * database, which another one has just taken the place of.  A hold is part of its job's run, and ends with it.  Pure.
 *
 *   FREE --take--> ASKED --no command runs any more--> HELD          release, from any of them, leads back to FREE
 *
 * Others are refused from ASKED on: else there would be no end to the commands that are waited for.
 */
#ifndef T3OPS_HELPER_USER_HOLDS_H
#define T3OPS_HELPER_USER_HOLDS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "users/user_list.h"

/* Whose a program is, as the table said when it was started; two users may have one t3 server. */
struct user_of_run {
	char name[T3OPS_USER_NAME_SIZE];
	char server[256]; /* account and address */
};

enum user_hold_state { USER_HOLD_FREE, USER_HOLD_ASKED, USER_HOLD_HELD };

/* Zeroed is free. */
struct user_hold {
	LIST_ENTRY(user_hold) link;
	enum user_hold_state state;
	struct user_of_run user;
	uint64_t id; /* of the request that waits for the answer */
};

LIST_HEAD(user_holds, user_hold);

void user_of_run_set(struct user_of_run *out, const struct user *user);
bool user_of_run_is_same(const struct user_of_run *a, const struct user_of_run *b);

/* Again by the same job: the earlier request is forgotten.  0; -EBUSY: another one has it. */
int user_hold_take(struct user_holds *all, struct user_hold *hold, const struct user_of_run *user, uint64_t id);
/* No command of that user runs any more. */
void user_hold_begin(struct user_hold *hold);
/* Also one that is free. */
void user_hold_release(struct user_hold *hold);

/* The hold of that user's commands; NULL: there is none. */
struct user_hold *user_holds_find(const struct user_holds *all, const struct user_of_run *user);

#endif
