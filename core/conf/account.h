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

/* Writes its name: that of `user`; the proxy's is `user_proxy`, else the name of `user` with -proxy behind it, if
 * this machine has such an account. */
void process_account(enum process_id process, const struct core_options *options, char out[ACCOUNT_SIZE]);
/* Its uid; false: it has none of its own, or this machine does not know it. */
bool process_account_own(enum process_id process, const struct core_options *options, uid_t *uid);

#endif
