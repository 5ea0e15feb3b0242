/* SPDX-License-Identifier: MIT */
/*
 * The life of a process: one loop, one channel to the supervisor, its part of the config.  This is what all processes
 * but the supervisor share: it answers the watchdog's pings, measures the loop's lag, confines the process, and ends
 * it when the supervisor is gone.  What a process does is a struct process_ops.
 */
#ifndef T3OPS_PROCESS_PROCESS_H
#define T3OPS_PROCESS_PROCESS_H

#include <ev.h>
#include <stdint.h>

#include "conf/config_faults.h"
#include "conf/process_config.h"
#include "ipc/channel.h"
#include "process/confinement.h"
#include "process/lag.h"
#include "process/loop_turn.h"
#include "sys/clock.h"
#include "obs/metrics.h"

#define PROCESS_MAX_LISTENERS LISTEN_ADDRESSES_MAX

struct listener {
	char name[16];        /* "proxy", "status", "control" */
	char address[112];    /* as bound, "127.0.0.1:3780"; a path for control */
	char configured[112]; /* as in the file; its port may be 0 */
	int fd;               /* listening, non-blocking, CLOEXEC; owned by the process */
};

/* Shared with the supervisor (mmap): what the process is doing, for the watchdog and its line. */
struct watchdog_page {
	char plugin[32];
	char callback[32]; /* "" outside plugin code */
	uint64_t entered_us;
	uint32_t sleeps; /* it waits for something to happen; atomic */
	uint32_t turns;  /* of its loop so far, modulo 2^32; atomic */
};

/* What the kernel tells the monitor of pressure by: descriptors that are polled for EPOLLPRI; n 0: there are none. */
#define PRESSURE_TRIGGERS 3
struct pressure_triggers {
	int fds[PRESSURE_TRIGGERS];
	size_t n;
};

struct user_list;

struct process {
	enum process_id id;
	unsigned worker; /* which of the proxy's, from 0; 0 elsewhere */
	uint32_t serial;
	struct ev_loop *loop;
	struct channel *channel;
	const struct process_config *config;
	struct metrics *metrics;
	struct watchdog_page *watchdog;
	struct tunnel_table *tunnels;   /* ipc/tunnel_table.h; the proxy's, NULL elsewhere */
	struct user_snapshot *snapshot; /* users/user_snapshot.h; this process's, may be NULL */
	struct users_reader
	    *users_reader; /* users/users_reader.h; for start, which takes it: NULL if it needs none */
	bool leaving;      /* process_leave was called */
	char probe_key[SECRET_DIGEST_HEX];        /* that own legs show at /probe/ws; "" but in proxy and prober */
	const struct pressure_triggers *pressure; /* the monitor's; NULL elsewhere */
	uint64_t late_us;                         /* by how much the loop was late so far, all in all */
	struct loop_turn turn;
	bool turn_is_routine; /* set by what wakes the process by itself now and then: the loop need not be measured
	                         for it */
	bool succeeds;        /* it replaces one that serves: what it could do worse is a reason not to start */
	struct listener listeners[PROCESS_MAX_LISTENERS];
	size_t n_listeners;
	const struct process_ops *ops;
	void *state; /* the process's own */
};

struct process_ops {
	/* Its configuration step, dry: what start would refuse about its options, and what looks doubtful on this
	 * machine. Runs in the child that checks a config, when that is read without an error; touches nothing.
	 * users: the table, if it can be read.  May be NULL. */
	void (*check)(const struct process_config *config, const struct user_list *users,
	              const struct config_faults *f);
	/* The same for what only the account that the daemon is started with can see; the config has no plugins yet.
	 */
	void (*check_commands)(const struct process_config *config, const struct user_list *users,
	                       const struct config_faults *f);
	/* Build everything; 0 or -errno after one log line.  READY is sent when it returns 0.  The user table has
	 * been read, or that takes long, and there is a snapshot of it. */
	int (*start)(struct process *process);
	/* End cleanly, release everything; the process exits when it returns. */
	void (*stop)(struct process *process);
	/* Take nothing new, finish, then call process_leave().  NULL: drain is stop. */
	void (*drain)(struct process *process);
	/* What it needs while it runs.  The process confines itself to that (sys/sandbox.h) as soon as it has
	 * started.  NULL: it does not. */
	void (*confine)(struct process *process, struct confinement *c);
	/* What may come from outside that must not be judged without knowing that this process stood still.  NULL:
	 * nothing. */
	enum awaited (*awaits)(const struct process *process);
	/* A message that process.c does not handle itself. */
	void (*message)(struct process *process, const struct msg_head *head, const void *payload);
};

/* Runs the process until its end; returns its exit code.  channel_socket is taken. */
int process_run(struct process *process, int channel_socket);

/* Stops the loop: the process ends after ops->stop. */
void process_leave(struct process *process);

/* Sends an event to the monitor and logs it.  Stamps e->process. */
void process_emit(struct process *process, struct event *e);
/* The same without the log line, for events that are evidence only. */
void process_emit_quietly(struct process *process, struct event *e);

#endif
