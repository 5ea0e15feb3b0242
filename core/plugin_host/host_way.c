/* SPDX-License-Identifier: MIT */
/* From a user's name to an address and its owner; see host_way.h. */
#include "plugin_host/host_way.h"

#include "net/fetch_way.h"
#include "plugin_host/host_state.h"
#include "plugin_host/host_users.h"

bool host_way(const struct plugin_host *h, const char *user, struct fetch_way *out)
{
	const struct user *u = user ? host_users_find(h, user) : NULL;

	*out = (struct fetch_way){.dialer = h->dialer ? &h->dialer->dialer : NULL, .target.user = user};
	if (u && h->dialer && upstream_dialer_target(h->dialer, u, &out->target) < 0)
		out->target = (struct dial_target){.user = user};
	return user != NULL;
}
