/* SPDX-License-Identifier: MIT */
/* What is done for one user, in the process of a job: actions, and runs. */
#ifndef T3OPS_PLUGINS_UPGRADE_ACTIONS_H
#define T3OPS_PLUGINS_UPGRADE_ACTIONS_H

#include "plugin.h"

/* One of the descriptor's actions; -ENOSYS: it is none. */
int action_do(struct t3ops_ctx *ctx, const struct t3ops_user *user, const char *action);
/* A run: ends what was begun, and proves the candidate; moves nobody. */
int action_run_scheduled(struct t3ops_ctx *ctx, const struct t3ops_user *user);

#endif
