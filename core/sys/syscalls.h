/* SPDX-License-Identifier: MIT */
/* The system calls that a process with one network loop needs, and no others (seccomp(2), by libseccomp). */
#ifndef T3OPS_SYS_SYSCALLS_H
#define T3OPS_SYS_SYSCALLS_H

#include <stdbool.h>

/* From here on, in every thread: whatever is not on the list fails with EPERM.  writes: files may be made, changed
 * and removed; binds: sockets may be bound, and the kernel be asked for its addresses.  0, or -errno: nothing is
 * restricted (-ENOSYS: built without libseccomp). */
int syscalls_restrict(bool writes, bool binds);

#endif
