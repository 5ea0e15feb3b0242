/* SPDX-License-Identifier: MIT */
/* Numbering of slots; see process_slot.h. */
#include "supervisor/process_slot.h"

enum process_id process_of_slot(unsigned slot)
{
	return slot < PROCESSES ? (enum process_id)slot : PROCESS_PROXY;
}

unsigned process_slot_worker(unsigned slot)
{
	return slot < PROCESSES ? 0 : slot - PROCESSES + 1;
}

unsigned process_slot_in_order(unsigned i)
{
	static const enum process_id processes[] = {PROCESS_HELPER, PROCESS_MONITOR, PROCESS_JOBS, PROCESS_PROBER,
	                                            PROCESS_PROXY};
	const unsigned n = sizeof processes / sizeof processes[0];

	return i < n ? (unsigned)processes[i] : PROCESSES + i - n;
}
