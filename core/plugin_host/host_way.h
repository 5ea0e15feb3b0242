/* SPDX-License-Identifier: MIT */
/* The way to the t3 server of a user whom a plugin names (t3ops_fetch.user, t3ops_ws_open.user). */
#ifndef T3OPS_PLUGIN_HOST_HOST_WAY_H
#define T3OPS_PLUGIN_HOST_HOST_WAY_H

#include <stdbool.h>

struct fetch_way;
struct plugin_host;

/* One that leads nowhere if the table has no such user.  False: user is NULL. */
bool host_way(const struct plugin_host *h, const char *user, struct fetch_way *out);

#endif
