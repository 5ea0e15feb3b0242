/* SPDX-License-Identifier: MIT */
/*
 * state_dir where processes have accounts of their own: all of them may make files there, and none may touch those of
 * another one (sticky), and what an earlier t3ops made as `user` goes to the process whose it is.  Supervisor, as
 * root.
 */
#ifndef T3OPS_SUPERVISOR_STATE_OWNER_H
#define T3OPS_SUPERVISOR_STATE_OWNER_H

#include "options/core_options.h"

/* Does nothing unless it is root and some of them have one.  What cannot be given is logged; its process says so,
 * too, when it cannot write. */
void state_dir_share(const struct core_options *options);

#endif
