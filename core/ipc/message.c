/* SPDX-License-Identifier: MIT */
/* The processes by name; see message.h. */
#include "ipc/message.h"

const char *process_name(enum process_id id)
{
	static const char *const names[PROCESSES] = {"none",    "proxy",  "prober",    "jobs",
	                                             "monitor", "helper", "supervisor"};

	return (unsigned)id < PROCESSES ? names[id] : "unknown";
}
