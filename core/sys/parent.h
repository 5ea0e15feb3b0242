/* SPDX-License-Identifier: MIT */
/* A process that ends with the one that made it, even if that is killed and nobody is left to watch it. */
#ifndef T3OPS_SYS_PARENT_H
#define T3OPS_SYS_PARENT_H

#include <stdbool.h>
#include <sys/types.h>

/* After a fork, in the child: the kernel kills it when parent ends.  An exec keeps that, unless the program is
 * setuid; drop_privileges keeps it, too.  False: the parent has ended already. */
bool parent_follow(pid_t parent);
/* From here on it has an end of its own for that case. */
void parent_leave(void);

#endif
