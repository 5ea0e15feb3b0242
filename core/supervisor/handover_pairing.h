/* SPDX-License-Identifier: MIT */
/* Which proxy takes whose tunnels: pairs every proxy that drains with one that serves.  Supervisor only. */
#ifndef T3OPS_SUPERVISOR_HANDOVER_PAIRING_H
#define T3OPS_SUPERVISOR_HANDOVER_PAIRING_H

#include "supervisor/process_table.h"

/* Each that drains sends its tunnels to the one of its slot, or the first one, unless it does so already. */
void handovers_pair(const struct process_table *t);

#endif
