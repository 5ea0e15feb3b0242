/* SPDX-License-Identifier: MIT */
/*
 * The runner: the only process that keeps privileges and the only one that starts programs.  It is
 * asked for a command of the configuration, or a job, and a user of its own copy of the table; it
 * never takes an argv, a path or an account from anybody.
 */
#ifndef T3OPS_RUNNER_H
#define T3OPS_RUNNER_H

#include "base/room.h"

extern const struct room_ops runner_ops;

#endif
