/* SPDX-License-Identifier: MIT */
/* What a rollout asks the jobs process for, and how the answers are read; for the files of fleet only. */
#ifndef T3OPS_PLUGINS_UPGRADE_ORDER_H
#define T3OPS_PLUGINS_UPGRADE_ORDER_H

#include <stdbool.h>

#include "fleet_state.h"

#define ARGUMENTS 8

/* The arguments of the run that every user's check and run get, and `more`. */
void order_arguments(const struct fleet *f, const char *more, char texts[ARGUMENTS][WHY_SIZE],
                     const char *out[ARGUMENTS + 1]);
/* For the user of the state, or all; what cannot be asked for now is asked for again. */
void order_give(struct fleet *f, const char *job, const char *action, const char *const *arguments,
                t3ops_acted_cb cb);

/* In cb: NULL, the answer is late. */
struct fleet *order_answered(struct t3ops_ctx *ctx, void *arg);
/* Why it failed for the user. */
const char *order_reason(const struct fleet *f, const struct t3ops_acted *a);
bool order_begins(const char *line, const char *word);
/* The reason without the words that say how it ended, which stand before it already. */
const char *order_plain(const char *reason);
/* What a monitor or a jobs process before this one began, or a scheduled run, is still at work. */
bool order_is_in_progress(const struct t3ops_acted *a);
/* What may be otherwise the next time is tried a few times; true: it will be. */
bool order_is_tried_again(struct fleet *f, const struct t3ops_acted *a);

#endif
