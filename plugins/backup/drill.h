/* SPDX-License-Identifier: MIT */
/*
 * The restore drill: the newest backup is unpacked to a scratch copy, started there by a throwaway server of the
 * user's own program (serve_command), and paired with as a browser would, in a rehearsal that nothing leaves.
 *
 *   newest --works--------------------------------------------------------------------> it is proven
 *   newest --damaged, or the server misses a stage on it--> the one before it --> ... --> the first that works is
 *                                                                         pinned, and those that failed are named
 *   none works --> CONTROL, a new copy of the live database --works--> all of them are named
 *                                                           --fails--> the drill is broken: nothing is said of them
 */
#ifndef T3OPS_PLUGINS_BACKUP_DRILL_H
#define T3OPS_PLUGINS_BACKUP_DRILL_H

#include "action.h"

/* What the error of one begins with that is about the newest backup here. */
#define DRILL_NEWEST "newest backup"

/* The action drill; with the argument `at` of that backup alone.  0 or -errno with one line in why. */
int drill_run(struct action *a);

/* What a drill that was killed left behind is removed. */
void drill_sweep(const struct backup_dir *dir);

/* For the metrics of the monitor (drills.h): when a drill last succeeded and failed, and whether one is due. */
void drill_report(struct t3ops_ctx *ctx, const struct backup_dir *dir);

/* Whether the options are those of a section that can drill, if drill_every says that it shall.  0 or -EINVAL. */
int drill_check(struct t3ops_ctx *ctx);

#endif
