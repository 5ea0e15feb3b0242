/* SPDX-License-Identifier: MIT */
/* Which capabilities of root stay.  Supervisor, and its children before they do anything else. */
#ifndef T3OPS_SUPERVISOR_CAPABILITIES_H
#define T3OPS_SUPERVISOR_CAPABILITIES_H

#include "ipc/message.h"

/* Gives up, for good, all that this process does not need; for the supervisor also on behalf of everything that it
 * will start, as far as it may.  0 or -errno. */
int capabilities_drop(enum process_id process);

#endif
