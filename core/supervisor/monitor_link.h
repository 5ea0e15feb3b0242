/* SPDX-License-Identifier: MIT */
/*
 * The way to the monitor: events, and which processes there are.  While no monitor is ready, events are held; a
 * monitor that becomes the one learns of all processes and gets what was held.  While one is far behind, whoever has
 * more events is told to keep them: a drop of ten thousand tunnels is read in its time, and none of it is lost.
 * Supervisor only.
 */
#ifndef T3OPS_SUPERVISOR_MONITOR_LINK_H
#define T3OPS_SUPERVISOR_MONITOR_LINK_H

#include "obs/event.h"
#include "supervisor/process_table.h"

#define HELD_EVENTS   1024
#define QUEUE_BYTES   (32u << 20)  /* that may wait for the monitor: a process that ends sends all it has kept */
#define BEHIND_BYTES  (1u << 20)   /* from there on who says more is told to keep it, */
#define CAUGHT_BYTES  (256u << 10) /* and below it to go on */
#define BEHIND_EVENTS 64           /* the same while there is no monitor: more are on their way then */

struct monitor_link {
	const struct process_table *processes;
	struct child *monitor; /* NULL: events are held */
	struct held_event {
		uint32_t from; /* serial of its sender, 0: the supervisor */
		struct event event;
	} held[HELD_EVENTS]; /* a ring */
	size_t n_held, first_held;
	uint64_t n_dropped; /* events that found the ring full: the oldest went */
	struct drop_report dropped;
	struct series *kept[PROCESSES]; /* by the process that was told to keep its events */
	struct msg_log_levels levels;   /* supervisor/log_levels.h changes them */
};

void monitor_link_init(struct monitor_link *l, const struct process_table *processes);
/* This one from now on. */
void monitor_link_attach(struct monitor_link *l, struct child *monitor);
/* The same for one that has been it before an upgrade, and knows the processes. */
void monitor_link_resume(struct monitor_link *l, struct child *monitor);
/* It is gone; nothing happens if it is not the one. */
void monitor_link_detach(struct monitor_link *l, const struct child *monitor);

/* An event of the supervisor: logs it, too.  Stamps e->process. */
void monitor_link_emit(struct monitor_link *l, struct event *e);
/* An event of a process, as received. */
void monitor_link_pass(struct monitor_link *l, struct child *from, const struct event *e);
/* The operator chose other log levels; id: of the request that this answers, or 0. */
void monitor_link_levels(struct monitor_link *l, const struct msg_log_levels *levels, uint64_t id);
/* The state of a process changed. */
void monitor_link_state(struct monitor_link *l, const struct child *c);

#endif
