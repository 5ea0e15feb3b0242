/* SPDX-License-Identifier: MIT */
/* Users and their t3 servers; see user_state.h. */
#include "auto_pair/user_state.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/t3_url.h"

static struct user_state *user_state_new(struct user_states *states, const char *name)
{
	struct user_state *u = calloc(1, sizeof *u);

	if (!u)
		return NULL;
	snprintf(u->name, sizeof u->name, "%s", name);
	strcpy(u->cookie_name, DEFAULT_COOKIE);
	LIST_INIT(&u->fresh);
	LIST_INIT(&u->attempts);
	LIST_INSERT_HEAD(&states->list, u, link);
	return u;
}

struct user_state *user_state_get(struct user_states *states, const struct t3ops_user *user)
{
	struct user_state *u;

	LIST_FOREACH (u, &states->list, link)
		if (strcmp(u->name, user->name) == 0)
			break;
	if (!u)
		u = user_state_new(states, user->name);
	if (!u || (u->port == user->port && strcmp(u->host, user->host) == 0))
		return u;
	u->announced = false;
	u->failed_us = 0;
	fresh_clear(&u->fresh);
	snprintf(u->host, sizeof u->host, "%s", user->host);
	u->port = user->port;
	return u;
}

void user_states_clear(struct user_states *states)
{
	struct user_state *u;

	while ((u = LIST_FIRST(&states->list))) {
		LIST_REMOVE(u, link);
		fresh_clear(&u->fresh);
		free(u);
	}
}

void user_state_name_cookie(struct user_state *u, const char *name)
{
	if (!name || name[0] == '\0' || strlen(name) >= sizeof u->cookie_name)
		return;
	strcpy(u->cookie_name, name);
	u->announced = true;
}

void user_state_url(const struct user_state *u, const char *path, char *out, size_t size)
{
	t3_url("http", u->host, u->port, path, out, size);
}
