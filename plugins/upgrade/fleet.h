/* SPDX-License-Identifier: MIT */
/*
 * A rollout over all users, in the monitor: it asks the jobs process for what is to be done, one thing at a time, and
 * judges each moved user by what the monitor sees.  The state is on disk before its work begins, and each can be
 * begun again from whatever it has done: a monitor that was killed, or a machine, goes on where it was.
 *
 *   IDLE
 *    | somebody asks for a run
 *   SURVEYING <------------------------------------------------+   survey of all: who is there, who is idle
 *    | one is not proven    | one is idle   | all are busy     |
 *   PROVING: SURVEYING      |              WAITING ----------->+   after `retry`
 *    | rejected, or broken  |                                  |
 *    |                     PINNING  a backup is made, and kept |   with the option backup
 *    |                     MOVING   run of that user ----------+   busy: somebody else
 *    |                     BAKING   watched: `bake` or `settle`|
 *    |                     JUDGING  it pairs ------------------+   done: the next one
 *    |                      | any failure
 *    |                     UNDOING  rollback of that user; not if MOVING has undone it itself
 *    |                     FREEZING nobody is moved any more ------+
 *    |  nobody is left                                             |
 *    | RELEASING  the backups are no longer kept -----------------+|
 *   SETTLING  nobody expects to be moved any more  <--------------++
 *    |
 *   IDLE
 */
#ifndef T3OPS_PLUGINS_UPGRADE_FLEET_H
#define T3OPS_PLUGINS_UPGRADE_FLEET_H

#include "plugin.h"

#define FLEET_GATES_BROKEN_MAX 5 /* in MOVING, one after another without a move between; then the rollout stops */

struct fleet;

/* Goes on with what it finds on disk.  moved_back: called when a user was brought back by it.  NULL without memory.
 */
struct fleet *fleet_new(struct t3ops_ctx *ctx, void (*moved_back)(void *arg, const char *user), void *arg);
void fleet_free(struct fleet *f);
void fleet_event(struct fleet *f, const struct t3ops_event *e);
/* Actions for the installation as a whole: run, progress. */
int fleet_act(struct fleet *f, const char *action);

#endif
