/* SPDX-License-Identifier: MIT */
/* Ending with the parent; see parent.h. */
#include "sys/parent.h"

#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

bool parent_follow(pid_t parent)
{
	return prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) == 0 && getppid() == parent;
}

void parent_leave(void)
{
	prctl(PR_SET_PDEATHSIG, 0, 0, 0, 0);
}
