/* SPDX-License-Identifier: MIT */
/* Who holds whose commands; see user_holds.h. */
#include "helper/user_holds.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

void user_of_run_set(struct user_of_run *out, const struct user *user)
{
	snprintf(out->name, sizeof out->name, "%s", user->name);
	snprintf(out->server, sizeof out->server, "%s %s:%u %s", user->os_user, user->host, user->port, user->socket);
}

bool user_of_run_is_same(const struct user_of_run *a, const struct user_of_run *b)
{
	return strcmp(a->name, b->name) == 0 || strcmp(a->server, b->server) == 0;
}

struct user_hold *user_holds_find(const struct user_holds *all, const struct user_of_run *user)
{
	struct user_hold *hold;

	LIST_FOREACH (hold, all, link)
		if (user_of_run_is_same(&hold->user, user))
			break;
	return hold;
}

int user_hold_take(struct user_holds *all, struct user_hold *hold, const struct user_of_run *user, uint64_t id)
{
	const struct user_hold *other = user_holds_find(all, user);

	if (other && other != hold)
		return -EBUSY;
	user_hold_release(hold);
	*hold = (struct user_hold){.state = USER_HOLD_ASKED, .user = *user, .id = id};
	LIST_INSERT_HEAD(all, hold, link);
	return 0;
}

void user_hold_begin(struct user_hold *hold)
{
	hold->state = USER_HOLD_HELD;
}

void user_hold_release(struct user_hold *hold)
{
	if (hold->state != USER_HOLD_FREE)
		LIST_REMOVE(hold, link);
	hold->state = USER_HOLD_FREE;
}
