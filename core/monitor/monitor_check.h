/* SPDX-License-Identifier: MIT */
/* The monitor's configuration step, dry: is there a place for the journal?  In the child that checks a config. */
#ifndef T3OPS_MONITOR_MONITOR_CHECK_H
#define T3OPS_MONITOR_MONITOR_CHECK_H

#include "conf/config_faults.h"
#include "conf/process_config.h"
#include "users/user_list.h"

/* Of process_ops. */
void monitor_check(const struct process_config *config, const struct user_list *users, const struct config_faults *f);

#endif
