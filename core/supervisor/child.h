/* SPDX-License-Identifier: MIT */
/*
 * A process's process as the supervisor sees it.
 *
 *   STARTING --READY--> READY --replaced--> DRAINING --> (gone)
 *      |                  |  \--stopped--> STOPPING --> (gone)
 *      \-----died---------+--> (gone; restarted with back-off if it was the current one)
 */
#ifndef T3OPS_SUPERVISOR_CHILD_H
#define T3OPS_SUPERVISOR_CHILD_H

#include <ev.h>
#include <sys/queue.h>
#include <sys/types.h>

#include "process/process.h"

struct setup;
struct supervisor;

struct child {
	TAILQ_ENTRY(child) link;
	struct supervisor *supervisor;
	unsigned slot; /* supervisor/process_slot.h */
	enum process_id process;
	enum process_state state;
	uint32_t serial;
	pid_t pid;
	int pidfd;
	struct ev_io exit;    /* pidfd readable: it ended */
	struct ev_timer kill; /* it was asked to end */
	struct channel *channel;
	uint32_t successor; /* a proxy that drains: the serial of the one it gives its tunnels to, 0: none */
	struct watchdog_page *watchdog; /* shared page; NULL for one that an earlier binary started */
	unsigned pings_missed;
	uint64_t since_us;   /* since 1970: of this state */
	uint64_t started_us; /* CLOCK_MONOTONIC */
};
TAILQ_HEAD(children, child);

/* Forks a slot's process as the setup has it, which is not always the active one: with its part of the config
 * and its sockets.  It drops to the setup's user, unless it is the helper, and runs ops.  NULL after one log line. */
struct child *child_spawn(struct supervisor *s, unsigned slot, const struct setup *setup);
/* A process that an earlier binary of this pid started; left_us: what child_left_us said there. */
struct child *child_adopt(struct supervisor *s, unsigned slot, enum process_state state, uint64_t left_us,
                          uint32_t serial, pid_t pid, int channel_socket);
void child_free(struct child *c); /* of a process that is gone, or at our end */

/* Asks it to end (MSG_STOP, or MSG_DRAIN first for a proxy) and sees to it that it does. */
void child_stop(struct child *c);
void child_drain(struct child *c, uint64_t limit_us);
/* How long one that was asked to end may still take; 0 for others. */
uint64_t child_left_us(const struct child *c);
void child_kill(struct child *c);

#endif
