/* SPDX-License-Identifier: MIT */
/*
 * The sandbox of a process that untrusted peers talk to; the process enters it when it has everything open:
 *
 *   landlock   files can be read under the given paths only, none can be written, no port can be bound
 *   seccomp    no program can be started, no other process touched, no odd socket made; whatever is not
 *              on the list fails with EPERM, so a plugin sees an error instead of a dead process
 *
 * Both layers hold for the process and its threads until its end.  A build with sanitizers has none: their runtimes
 * need what the layers forbid.
 */
#ifndef T3OPS_SYS_SANDBOX_H
#define T3OPS_SYS_SANDBOX_H

#include <stdbool.h>
#include <stddef.h>

#define SANDBOX_PATHS_MAX 32

/* What is applied. */
struct sandbox {
	int landlock; /* ABI of the kernel, 0: none */
	bool seccomp;
	const char *missing; /* why a layer is not applied, NULL: both are; static text */
};

/* Applies what the kernel and this build have; one thread only.  readable: files and directories, those that do not
 * exist are passed over. */
void sandbox_enter(const char *const *readable, size_t n, struct sandbox *out);

#endif
