/* SPDX-License-Identifier: MIT */
/* Whose directory a Unix socket lies in: the one thing that its administrator says about whose it must be. */
#ifndef T3OPS_NET_DIR_OWNER_H
#define T3OPS_NET_DIR_OWNER_H

#include <stdbool.h>
#include <sys/types.h>

/* False: there is none, or somebody else than root and *uid can write there, replace it, or make it when it is
 * gone. */
bool dir_owner(const char *path, uid_t *uid);
/* Whether it is there and true, or can be once the directory is made. */
bool dir_owner_may_be_known(const char *path);

#endif
