/* SPDX-License-Identifier: MIT */
/*
 * OS accounts of many users at once: a directory service may take a second for each, so they are looked up side by
 * side.  Blocks; for processes without a loop.
 */
#ifndef T3OPS_USERS_ACCOUNTS_H
#define T3OPS_USERS_ACCOUNTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define ACCOUNT_NAME_SIZE 33
#define ACCOUNT_HOME_SIZE 128

struct os_account {
	char name[ACCOUNT_NAME_SIZE];
	char home[ACCOUNT_HOME_SIZE]; /* "" if it is longer */
	bool found, failed;           /* failed: nobody can say whether there is one */
	uid_t uid;
	gid_t gid;
};

/* Zeroed is empty. */
struct accounts {
	struct os_account *rows;
	size_t n;
};

/* Names one to look up; false without memory.  A name that is too long is none. */
bool accounts_add(struct accounts *a, const char *name);
/* Looks all of them up; limit_us: after that, those that are left count as failed (0: there is no limit). */
void accounts_find(struct accounts *a, uint64_t limit_us);
/* After that.  NULL: it was not named. */
const struct os_account *accounts_get(const struct accounts *a, const char *name);
void accounts_fini(struct accounts *a);

#endif
