/* SPDX-License-Identifier: MIT */
/* Where the env file of a user's t3 server is.  Pure. */
#ifndef T3OPS_USERS_ENV_PATH_H
#define T3OPS_USERS_ENV_PATH_H

#include <stdbool.h>
#include <stddef.h>

/* Fills the OS user in for %u; false: the pattern gives no usable path. */
bool env_path_make(const char *pattern, const char *os_user, char *out, size_t size);

#endif
