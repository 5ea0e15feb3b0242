/* SPDX-License-Identifier: MIT */
/*
 * When a rollout begins by itself, with the option automatic: scheduled runs have proven a version for a user who is
 * neither frozen nor pinned nor in the hands of t3's own updater, it is within the hours, and no rollout is in
 * progress.  Nothing of it is on disk: watchers get the ends of former runs again.  For the files of fleet only.
 */
#ifndef T3OPS_PLUGINS_UPGRADE_AUTOMATIC_H
#define T3OPS_PLUGINS_UPGRADE_AUTOMATIC_H

#include <stddef.h>

#include "fleet_state.h"

/* How runs and actions ended, also those before this monitor. */
void automatic_event(struct fleet *f, const struct t3ops_event *e);
/* What it waits for, in words. */
void automatic_text(const struct fleet *f, char *text, size_t size);

/* Pure: whether a rollout to that version failed by the version; it is not begun again by itself then. */
bool automatic_was_refused(const char *outcome, const char *last_to, const char *to);

#endif
