/* SPDX-License-Identifier: MIT */
/* The users of one reading of the table, and how a text becomes them.  Reads env files; otherwise pure. */
#ifndef T3OPS_USERS_USER_LIST_H
#define T3OPS_USERS_USER_LIST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "plugin.h"

#define USERS_MAX        262144 /* what a snapshot has address space for; it is memory only when used */
#define USER_SOCKET_SIZE 108    /* of sockaddr_un */

struct user {
	char name[T3OPS_USER_NAME_SIZE];
	char os_user[33];
	char home[128]; /* "" if the account is unknown here */
	bool has_uid;   /* false: unknown here, or no os_user */
	bool is_absent; /* nothing of t3 is there: the user never ran it (user_absence.h) */
	bool is_asked;  /* false: nobody could say whether there is such an account */
	uid_t uid;
	gid_t gid;
	char host[48]; /* numeric; 127.0.0.1 by default */
	uint16_t port;
	char socket[USER_SOCKET_SIZE]; /* path of its Unix socket, "" if it has none; port is then 0, or to fall back
	                                  to */
};

/* Sorted by name; immutable. */
struct user_list {
	struct user *rows;
	size_t n;
	char **faults; /* of the rows at fault or in doubt, those that came first */
	size_t n_faults;
};

#define USER_FAULTS_KEPT 100

/* Parses a table's text, and looks its accounts up, which may take long: those that are left after accounts_for_us
 * are not asked about (0: all are).  env_pattern: with %u.  -EINVAL with "line 3: ..." in why if it is not a table,
 * is empty, or has rows but not one that is good; out then has no rows, but may have faults, and is for
 * user_list_fini, too.  Else the number of rows that are at fault or in doubt, and why names the first: a row that
 * cannot be understood costs its own user only, one whose env file gives no port has port 0, and of names that differ
 * by case only none is used.
 */
int user_list_parse(struct user_list *out, const char *text, size_t len, const char *env_pattern,
                    uint64_t accounts_for_us, char *why, size_t why_size);
void user_list_fini(struct user_list *l);
/* Why no command and no job can run for that user, who has an OS account; NULL: nothing is against it. */
const char *user_account_fault(const struct user *u, char *buf, size_t size);
const struct user *user_list_find(const struct user_list *l, const char *name);
/* The same, else the only one whose name differs by capital letters alone (Latin, Greek, Cyrillic). */
const struct user *user_list_find_folded(const struct user_list *l, const char *name);
/* Whether two names are one to it. */
bool user_name_is_same(const char *a, const char *b);

#endif
