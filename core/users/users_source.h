/* SPDX-License-Identifier: MIT */
/* Where a user table comes from. */
#ifndef T3OPS_USERS_USERS_SOURCE_H
#define T3OPS_USERS_USERS_SOURCE_H

#include <stdbool.h>

struct user_snapshot;

struct users_source {
	const char *path, *env_pattern;
	struct user_snapshot *snapshot; /* good tables are left there, and taken if the first read fails; or NULL */
	bool must_read;                 /* without a good file there are no users at all, whatever the snapshot has */
	bool sandbox;                   /* whoever reads it is confined to reading */
};

#endif
