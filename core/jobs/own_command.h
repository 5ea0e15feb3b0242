/* SPDX-License-Identifier: MIT */
/* The service `command` in a rehearsal, whose process runs commands itself: the helper is not where it is. */
#ifndef T3OPS_JOBS_OWN_COMMAND_H
#define T3OPS_JOBS_OWN_COMMAND_H

#include "process/process.h"

/* As t3ops_host.command, for whoever this process runs as. */
uint64_t own_command(struct process *process, struct t3ops_ctx *ctx, const char *name, t3ops_ran_cb cb, void *arg);

#endif
