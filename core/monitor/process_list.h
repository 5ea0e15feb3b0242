/* SPDX-License-Identifier: MIT */
/* The processes as the supervisor reports them, draining ones included.  Monitor process. */
#ifndef T3OPS_MONITOR_PROCESS_LIST_H
#define T3OPS_MONITOR_PROCESS_LIST_H

#include <stddef.h>

#include "ipc/message.h"

struct process_list {
	struct msg_process *rows;
	size_t n, room;
};

/* Takes a report: a dead one is forgotten.  0 or -ENOMEM. */
int process_list_update(struct process_list *l, const struct msg_process *report);
void process_list_fini(struct process_list *l);

#endif
