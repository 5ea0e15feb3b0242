/* SPDX-License-Identifier: MIT */
/*
 * The helper: the only process that keeps privileges and the only one that starts programs.  It is
 * asked for a configured command, or a job, and a user of its own copy of the table; it
 * never takes an argv, a path or an account from anybody.
 */
#ifndef T3OPS_HELPER_HELPER_H
#define T3OPS_HELPER_HELPER_H

#include "process/process.h"

extern const struct process_ops helper_ops;

#endif
