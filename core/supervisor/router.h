/* SPDX-License-Identifier: MIT */
/*
 * Messages between the processes: each is stamped with its sender and passed to its receiver, or answered
 * MSG_UNREACHABLE; those to the supervisor go to its handlers.  Who may send what to whom is one table in router.c.
 * Supervisor only.
 */
#ifndef T3OPS_SUPERVISOR_ROUTER_H
#define T3OPS_SUPERVISOR_ROUTER_H

#include "supervisor/monitor_link.h"
#include "supervisor/process_table.h"

/* What the supervisor does with a message to itself.  from: the process that sent it. */
struct message_handler {
	enum msg_type type;
	enum process_id from; /* PROCESS_NONE: any */
	void (*handle)(void *arg, struct child *from, const struct msg_head *head, const void *payload);
};

struct router {
	const struct process_table *processes;
	struct monitor_link *monitor;
	const struct message_handler *handlers;
	size_t n_handlers;
	void *arg;
};

/* head and payload as received; what a process may not send is dropped with a log line. */
void router_message(struct router *r, struct child *from, const struct msg_head *received, const void *payload);

#endif
