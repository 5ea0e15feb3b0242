/* SPDX-License-Identifier: MIT */
/* The user table for plugins; see host_users.h. */
#include "plugin_host/host_users.h"

#include <string.h>

#include "plugin_host/host_state.h"
#include "plugin_host/plugin_struct.h"

void plugin_user(const struct user *u, struct t3ops_user *out)
{
	*out = (struct t3ops_user){.struct_size = sizeof *out,
	                           .name = u->name,
	                           .os_user = u->os_user,
	                           .home = u->home,
	                           .host = u->host,
	                           .port = u->port,
	                           .absent = u->is_absent};
}

void plugin_user_give(const struct user *u, struct t3ops_user *theirs)
{
	struct t3ops_user ours;

	plugin_user(u, &ours);
	plugin_struct_give(theirs, &ours, sizeof ours);
}

const struct user *host_users_find(const struct plugin_host *h, const char *name)
{
	if (h->users)
		return users_find(h->users, name);
	return h->user && strcmp(h->user->name, name) == 0 ? h->user : NULL;
}

static bool user_find(struct t3ops_ctx *ctx, const char *name, struct t3ops_user *out)
{
	const struct user *u = host_users_find(ctx->instance->host, name);

	if (u)
		plugin_user_give(u, out);
	return u != NULL;
}

void host_users_fill(struct t3ops_host *services)
{
	services->user_find = user_find;
}
