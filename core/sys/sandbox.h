/* SPDX-License-Identifier: MIT */
/*
 * The sandbox of a process; it enters it when it has everything open:
 *
 *   landlock   files can be read, or written, under the given paths only, and no port can be bound
 *   seccomp    no program can be started, no other process touched (ptrace, signals), no odd socket made; whatever is
 *              not on the list fails with EPERM, so a plugin sees an error instead of a dead process
 *
 * Both layers hold for the process and its threads until its end.  A build with sanitizers has none: their runtimes
 * need what the layers forbid.
 */
#ifndef T3OPS_SYS_SANDBOX_H
#define T3OPS_SYS_SANDBOX_H

#include <stdbool.h>
#include <stddef.h>

/* What is left to it. */
struct sandbox_rules {
	const char **readable; /* files and directories; those that do not exist are passed over */
	size_t n_readable;
	const char **writable; /* directories, to be read, too */
	size_t n_writable;
	bool binds; /* connections from an address or a device of its choice */
};

/* What is applied. */
struct sandbox {
	int landlock; /* ABI of the kernel, 0: none */
	bool seccomp;
	const char *missing; /* why a layer is not applied, NULL: both are; static text */
};

/* Applies what the kernel and this build have; one thread only. */
void sandbox_enter(const struct sandbox_rules *rules, struct sandbox *out);

#endif
