/* SPDX-License-Identifier: MIT */
/* Giving up root for good.  Processes with one thread. */
#ifndef T3OPS_SYS_DROP_PRIVILEGES_H
#define T3OPS_SYS_DROP_PRIVILEGES_H

#include <sys/types.h>

/* Becomes the account, with its groups, and makes sure that there is no way back.  0 or -errno; -EPERM, too, for
 * uid or gid 0. */
int drop_privileges_to(const char *name, uid_t uid, gid_t gid);
/* The same by name, with the groups of another account (NULL: its own); -ENOENT: there is no such account.  Does
 * nothing for a caller that is not root. */
int drop_privileges(const char *name, const char *groups_of);

#endif
