/* SPDX-License-Identifier: MIT */
/* One at a time: what stops, starts or replaces a user's t3 server holds it meanwhile.  In a job's process. */
#ifndef T3OPS_PLUGINS_COMMON_SERVER_HOLD_H
#define T3OPS_PLUGINS_COMMON_SERVER_HOLD_H

#include "plugin.h"

#define SERVER_HELD "another restart, restore or upgrade of this t3 server is in progress"

/* Until our process has ended, for everybody else who asks so; asking again changes nothing.  0, or -EBUSY with
 * SERVER_HELD in why.  Without a home directory that the account can write, everybody holds it.  Users who share one
 * wait for each other. */
int server_hold(const struct t3ops_user *user, char *why, size_t size);

#endif
