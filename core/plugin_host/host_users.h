/* SPDX-License-Identifier: MIT */
/* The service user_find, and users as plugins see them. */
#ifndef T3OPS_PLUGIN_HOST_HOST_USERS_H
#define T3OPS_PLUGIN_HOST_HOST_USERS_H

#include "plugin.h"
#include "users/users.h"

void host_users_fill(struct t3ops_host *services);
/* A row of the table as plugins see it; the strings stay u's. */
void plugin_user(const struct user *u, struct t3ops_user *out);
/* The same into a plugin's own struct, whose struct_size is set. */
void plugin_user_give(const struct user *u, struct t3ops_user *theirs);

#endif
