/* SPDX-License-Identifier: MIT */
/* Which cgroup a process is in, as jobs see it. */
#ifndef T3OPS_PLUGINS_COMMON_CGROUP_H
#define T3OPS_PLUGINS_COMMON_CGROUP_H

#include <stddef.h>
#include <sys/types.h>

#define CGROUP_SIZE 256

/* The path behind "0::" of /proc/PID/cgroup; "" if it cannot be read. */
void cgroup_of(pid_t pid, char *out, size_t size);
/* The same, "" also if it is the root or the one that we are in: then it says nothing about the process. */
void cgroup_own(pid_t pid, char *out, size_t size);

#endif
