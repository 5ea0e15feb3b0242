/* SPDX-License-Identifier: MIT */
/* A scheduled run lets a turn that is in progress end first, so that it does not slow down what somebody waits for.
 */
#ifndef T3OPS_PLUGINS_BACKUP_TURN_H
#define T3OPS_PLUGINS_BACKUP_TURN_H

#include "plugin.h"

/* Waits while a turn of the user's is in progress, or it cannot be told: for `turn_patience`, and at most for half of
 * the time that is left until until_us (of CLOCK_MONOTONIC).  Reports how long, and what was still in progress. */
void turn_wait(struct t3ops_ctx *ctx, const struct t3ops_user *user, const char *database, uint64_t until_us);

#endif
