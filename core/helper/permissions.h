/* SPDX-License-Identifier: MIT */
/*
 * Who may have what started: the table is in permissions.c, the commands by name come from the config.  The
 * supervisor says who asks (struct msg_head), so no process can pass for another one.  Pure.
 */
#ifndef T3OPS_HELPER_PERMISSIONS_H
#define T3OPS_HELPER_PERMISSIONS_H

#include "conf/process_config.h"

/* NULL: it may; else why not (static text). */
const char *job_refusal(enum process_id requester);
/* The same for a command; by_job: the process of a job asks, for its own user. */
const char *command_refusal(enum process_id requester, bool by_job, const struct process_command *command);

/* Of the programs that run at a time, how many may be that process's, with those of its jobs. */
unsigned runs_most(enum process_id requester);
/* How many programs may be started for it in a minute for one user; 0: no limit. */
unsigned runs_per_minute(enum process_id requester);

#endif
