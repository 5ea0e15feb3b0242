/* SPDX-License-Identifier: MIT */
/* Which signals are asked; see signals.h. */
#include "supervisor/signals.h"

void signals_asked(sigset_t *out)
{
	static const int others[] = {SIGILL,  SIGTRAP, SIGABRT, SIGBUS,  SIGFPE,  SIGSEGV, SIGSYS,   SIGCHLD,
	                             SIGPIPE, SIGCONT, SIGTSTP, SIGTTIN, SIGTTOU, SIGURG,  SIGWINCH, SIGXCPU};

	sigfillset(out); /* KILL and STOP stay what they are; glibc keeps its own */
	for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
		sigdelset(out, others[i]);
}
