/* SPDX-License-Identifier: MIT */
/* Which account a process runs as where t3ops is started as root.  Any process. */
#ifndef T3OPS_CONF_ACCOUNT_H
#define T3OPS_CONF_ACCOUNT_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "ipc/message.h"
#include "options/core_options.h"

#define ACCOUNT_SIZE 80

/* The option that names it, user_proxy and its like, "" if it is empty; NULL: it has none, for it stays root. */
const char *process_account_option(enum process_id process, const struct core_options *options);
/* Writes its name: that of its option, else the name of `user` with -proxy and its like behind it, if this machine
 * has such an account, else that of `user`. */
void process_account(enum process_id process, const struct core_options *options, char out[ACCOUNT_SIZE]);
/* Its uid; false: it has none of its own, or this machine does not know it. */
bool process_account_own(enum process_id process, const struct core_options *options, uid_t *uid);

#endif
