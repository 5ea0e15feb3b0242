/* SPDX-License-Identifier: MIT */
/*
 * One process as the supervisor sees it: how it is started, spoken to and ended.  What its messages mean, and what
 * follows from its exit, is decided elsewhere (struct child_ops).
 *
 *   STARTING --ready--> READY --replaced--> DRAINING --> (gone)
 *      |                  |  \--stopped--> STOPPING --> (gone)
 *      \-----exits--------+--> (gone)
 */
#ifndef T3OPS_SUPERVISOR_CHILD_H
#define T3OPS_SUPERVISOR_CHILD_H

#include <ev.h>
#include <signal.h>
#include <sys/queue.h>
#include <sys/types.h>

#include "ipc/drop_report.h"
#include "process/process.h"

struct child;
struct setup;

struct child_ops {
	/* head and payload are borrowed. */
	void (*on_message)(void *arg, struct child *c, const struct msg_head *head, const void *payload);
	void (*on_state)(void *arg, struct child *c); /* it has another state */
	void (*on_exit)(void *arg, struct child *c);  /* the process is gone; the child is not freed */
	/* In the new process: hands over the shared memory that is its own, unmaps all other. */
	void (*on_fork)(void *arg, const struct child *c, struct process *process);
};

/* What all children have in common. */
struct child_host {
	struct ev_loop *loop;
	struct metrics *metrics;
	const struct process_ops *const *process_ops; /* by process_id: what each process does */
	const struct child_ops *ops;
	void *arg;
};

struct child {
	TAILQ_ENTRY(child) link;
	const struct child_host *host;
	unsigned slot; /* supervisor/process_slot.h */
	enum process_id process;
	enum process_state state;
	uint32_t serial;
	pid_t pid;
	int pidfd;
	struct ev_io exit;    /* pidfd readable: it ended */
	struct ev_timer kill; /* it was asked to end */
	struct channel *channel;
	struct drop_report dropped;     /* of channel */
	struct watchdog_page *watchdog; /* shared page; NULL for one that an earlier binary started */
	unsigned pings_missed;
	unsigned rounds_asleep; /* of the watchdog, without a ping */
	uint32_t turns_seen;    /* by the watchdog, of the process's loop */
	bool keeps_events;      /* until the monitor has read what waits for it */
	uint64_t n_refused;     /* messages that it may not send */
	uint32_t successor;     /* a proxy that drains: the serial of the one that takes its tunnels, 0: none yet */
	char start_error[1024]; /* the last error that it reported before it was ready; "" */
	uint64_t since_us;      /* since 1970: of this state */
	uint64_t started_us;    /* CLOCK_MONOTONIC */
};

struct child_start {
	unsigned slot;
	uint32_t serial;
	const struct setup *setup; /* it gets the config and the listeners of its slot */
	bool succeeds;             /* one that serves gives way to it */
};

/* Forks it.  It drops to the setup's user, unless it is the helper, and runs the ops of its process.  NULL after
 * one log line. */
struct child *child_spawn(const struct child_host *host, const struct child_start *start);

/* A process that an earlier binary of this pid started. */
struct child_adopted {
	unsigned slot;
	uint32_t serial;
	enum process_state state;
	pid_t pid;
	int channel_socket; /* taken */
	uint64_t left_us;   /* of child_left_us there */
};
struct child *child_adopt(const struct child_host *host, const struct child_adopted *from);

/* Of a process that is gone, or at our end. */
void child_free(struct child *c);

void child_set_state(struct child *c, enum process_state state);
/* Asks it to end, and kills it if it does not. */
void child_stop(struct child *c);
/* Asks it to finish what it has and end; after limit_us it is stopped. */
void child_drain(struct child *c, uint64_t limit_us);
void child_kill(struct child *c);
/* How long one that was asked to end may still take; 0 for others. */
uint64_t child_left_us(const struct child *c);
/* In on_exit: how it ended; a pid of 0: another supervisor started it, and nobody knows. */
void child_reap(const struct child *c, siginfo_t *how);

#endif
