/* SPDX-License-Identifier: MIT */
/* The users that `t3opsctl init` is told of: NAME=OS_USER:PORT with commas between; a NAME alone is the OS user's
 * too. */
#ifndef T3OPS_CTL_INIT_USERS_H
#define T3OPS_CTL_INIT_USERS_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

/* NULL: nothing is wrong with the list; "keep" stands for the table that is there. */
const char *init_users_fault(const char *list, bool by_mail);
/* The list of those found on this machine, "" for none. */
void init_users_guess(const char *root, char *out, size_t size);
/* [{"NAME", "OS_USER", "PORT", "ENV_FILE"}, ...]; where no port is given that of the env file below root counts, else
 * the next one that is not taken. */
json_t *init_users_list(const char *root, const char *list);
/* Those of them that are the first of their OS user: one a server. */
json_t *init_users_servers(const json_t *users);

#endif
