/* SPDX-License-Identifier: MIT */
/* Which signals the supervisor answers, and the other processes leave to it.  Supervisor only. */
#ifndef T3OPS_SUPERVISOR_SIGNALS_H
#define T3OPS_SUPERVISOR_SIGNALS_H

#include <signal.h>

/* Those that somebody may send and that would end a process: all but the faults of the process itself, those that
 * only stop it, and those of its children and pipes. */
void signals_asked(sigset_t *out);

#endif
