/* SPDX-License-Identifier: MIT */
/* The service user_find, and users as plugins see them. */
#ifndef T3OPS_PLUGIN_HOST_HOST_USERS_H
#define T3OPS_PLUGIN_HOST_HOST_USERS_H

#include "plugin.h"
#include "users/users.h"

struct plugin_host;

void host_users_fill(struct t3ops_host *services);
/* A user whom the process knows; NULL: it does not. */
const struct user *host_users_find(const struct plugin_host *h, const char *name);
/* A row of the table as plugins see it; the strings stay u's. */
void plugin_user(const struct user *u, struct t3ops_user *out);
/* The same into a plugin's own struct, whose struct_size is set. */
void plugin_user_give(const struct user *u, struct t3ops_user *theirs);

#endif
