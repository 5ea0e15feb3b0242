/* SPDX-License-Identifier: MIT */
/*
 * A slot is a place for one process: one for each role, and `workers` of them for the proxy.  The first slot of a
 * role has the number of its process_id; the proxy's further ones follow after all roles.  Supervisor only.
 */
#ifndef T3OPS_SUPERVISOR_PROCESS_SLOT_H
#define T3OPS_SUPERVISOR_PROCESS_SLOT_H

#include "ipc/message.h"

#define WORKERS_MAX        16
#define PROCESS_SLOTS      (PROCESSES + WORKERS_MAX - 1)
#define PROCESS_SLOT_ORDER (5 + WORKERS_MAX - 1)

enum process_id process_of_slot(unsigned slot);
/* Which one of the proxy's, from 0; 0 for every other process. */
unsigned process_slot_worker(unsigned slot);
/* The i-th to start, i < PROCESS_SLOT_ORDER: whom others need comes first. */
unsigned process_slot_in_order(unsigned i);

#endif
