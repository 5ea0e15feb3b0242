/* SPDX-License-Identifier: MIT */
/* The helper's configuration step, dry: can the users run the programs, can their directories be made?  In the child
 * that checks a config. */
#ifndef T3OPS_HELPER_HELPER_CHECK_H
#define T3OPS_HELPER_HELPER_CHECK_H

#include "conf/config_faults.h"
#include "conf/process_config.h"
#include "users/user_list.h"

/* Of process_ops. */
void helper_check(const struct process_config *config, const struct user_list *users, const struct config_faults *f);
void helper_check_commands(const struct process_config *config, const struct user_list *users,
                           const struct config_faults *f);

#endif
