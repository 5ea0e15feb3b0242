/* SPDX-License-Identifier: MIT */
/*
 * Walls around a process that untrusted peers talk to, built by itself when it has everything open:
 *
 *   landlock   files can be read under the given paths only, none can be written, no port can be bound
 *   seccomp    no program can be started, no other process touched, no odd socket made; whatever is not
 *              on the list fails with EPERM, so a plugin sees an error instead of a dead process
 *
 * They hold for this process, its threads and for ever.  A build with sanitizers has none: their runtimes
 * need what the walls forbid.
 */
#ifndef T3OPS_SYS_SANDBOX_H
#define T3OPS_SYS_SANDBOX_H

#include <stdbool.h>
#include <stddef.h>

#define SANDBOX_PATHS_MAX 32

/* What is in force. */
struct sandbox {
	int landlock; /* ABI of the kernel, 0: none */
	bool seccomp;
	const char *missing; /* why a layer is not, NULL: both are; static text */
};

/* Builds what the kernel and this build have; one thread only.  readable: files and directories, those that do not
 * exist are passed over. */
void sandbox_enter(const char *const *readable, size_t n, struct sandbox *out);

#endif
