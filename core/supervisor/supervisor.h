/* SPDX-License-Identifier: MIT */
/*
 * The supervisor: config, listening sockets, processes, and nothing else.  It loads no plugin and
 * parses nothing that comes from a network.
 */
#ifndef T3OPS_SUPERVISOR_SUPERVISOR_H
#define T3OPS_SUPERVISOR_SUPERVISOR_H

#include "supervisor/supervisor_args.h"

/* Runs until the daemon ends; returns its exit code. */
int supervisor_run(const struct supervisor_args *args);

#endif
