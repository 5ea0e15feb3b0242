/* SPDX-License-Identifier: MIT */
/* Where a user's t3 server is, and whose process it must be. */
#ifndef T3OPS_USERS_USER_TARGET_H
#define T3OPS_USERS_USER_TARGET_H

#include "net/cidr.h"
#include "net/dial.h"
#include "users/user_list.h"

/* 0 or -EINVAL: the row names no place.  trusted: of trusted_upstreams.  out->user is the row's. */
int user_target(const struct user *user, const struct cidr_list *trusted, struct dial_target *out);
/* Whether both users' rows lead to the same one, under the same account. */
bool user_has_same_server(const struct user *a, const struct user *b);
/* Whether a connection of the user is one to there. */
bool user_target_is(const struct user *user, const struct sockaddr_storage *peer);

#endif
