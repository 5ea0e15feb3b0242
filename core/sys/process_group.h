/* SPDX-License-Identifier: MIT */
/* A child that leads a process group of its own, ended with all that it started. */
#ifndef T3OPS_SYS_PROCESS_GROUP_H
#define T3OPS_SYS_PROCESS_GROUP_H

#include <signal.h>
#include <sys/types.h>

static inline void process_group_kill(pid_t pid)
{
	kill(-pid, SIGKILL);
	kill(pid, SIGKILL); /* before its setpgid it has no group of its own */
}

#endif
