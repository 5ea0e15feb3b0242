/* SPDX-License-Identifier: MIT */
/* Ends the process that loads it, before anybody could check it. */
#include <stdlib.h>

#include "plugin.h"

__attribute__((constructor)) static void crash(void)
{
	abort();
}

T3OPS_PLUGIN(crash_on_load) = {T3OPS_HEAD};
