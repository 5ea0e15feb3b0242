/* SPDX-License-Identifier: MIT */
/*
 * What the files of the supervisor share.
 *
 *   supervisor.c   life of the process: boot, signals, stop
 *   transition.c   from one configuration to the next, whole or not at all
 *   router.c  messages between the processes
 *   watch.c        beats, deaths, restarts
 *   keep.c         tunnels that outlive a proxy
 *   snapshots.c    user tables that outlive the processes that read them
 *   takeover.c     the next binary, same pid
 *   child.c        one process;  slot.c  which ones there are to be;  listeners.c  the sockets
 */
#ifndef T3OPS_SUPERVISOR_SUPERVISOR_STATE_H
#define T3OPS_SUPERVISOR_SUPERVISOR_STATE_H

#include "obs/metrics.h"
#include "conf/process_config.h"
#include "ipc/tunnel_table.h"
#include "users/user_snapshot.h"
#include "supervisor/child.h"
#include "supervisor/listeners.h"
#include "supervisor/process_slot.h"
#include "supervisor/supervisor.h"

#define HELD_EVENTS 1024

enum phase { PHASE_BOOT, PHASE_RUNNING, PHASE_STOPPING };

/* A configuration with everything made for it. */
struct setup {
	struct conf_text conf;
	struct resolved_config *config;
	struct listeners listeners;
};

/* Who asked for a reload, and is reported. */
struct requester {
	uint32_t serial; /* 0: a signal */
	uint64_t id;
};

struct transition {
	bool running;
	bool everything; /* no process counts as unchanged */
	struct setup next;
	struct child *slots[PROCESS_SLOTS]; /* processes started for it */
	char config_error[256];             /* the error that one of them reported last before it was ready; "" */
	struct requester requester;
	struct ev_timer deadline;
	enum event_kind done; /* the event of its success */
};

struct restart {
	struct ev_timer timer;
	struct supervisor *supervisor;
	unsigned slot;
	double pause;
	uint32_t restarts;
};

/* Copies of a tunnel's descriptors: client, instance. */
struct stored {
	int fds[2];
	bool held;
};

struct supervisor {
	const struct supervisor_args *args;
	struct ev_loop *loop;
	struct ev_io signals;
	struct ev_timer watchdog;
	struct metrics *metrics;
	int metrics_fd;
	enum phase phase;
	int exit_code;
	uint32_t last_serial;
	struct children children;
	struct child *current[PROCESS_SLOTS];
	struct setup setup;
	struct transition transition;
	struct restart restarts[PROCESS_SLOTS];
	struct event held[HELD_EVENTS]; /* events while there is no monitor; a ring */
	size_t n_held, first_held;
	bool reported_ready;
	struct tunnel_table *tunnels; /* NULL: tunnels are not stored */
	int tunnels_fd;
	struct stored *stored;                   /* one a slot of the tunnels */
	struct orphan_transfer *orphan_transfer; /* stored tunnels on their way to a proxy */
	struct {
		struct user_snapshot *snapshot; /* NULL: that process's table does not outlive it */
		int fd;
	} snapshots[PROCESSES];
};

/* supervisor.c */
void supervisor_emit(struct supervisor *s, struct event *e);
void supervisor_stop(struct supervisor *s, int exit_code);
void supervisor_ready(struct supervisor *s);
void serials_publish(struct supervisor *s);
void setup_fini(struct setup *setup, const struct listeners *others);

/* transition.c */
void transition_begin(struct supervisor *s, struct setup *next, bool everything, struct requester requester,
                      enum event_kind done);
void transition_step(struct supervisor *s);
void transition_abort(struct supervisor *s, const char *why);
/* Every proxy that drains gives its tunnels to the one that is in force now, unless it does so already. */
void handovers_arrange(struct supervisor *s);
void reload_begin(struct supervisor *s, struct requester requester);
/* Whether the configuration wants a process there. */
bool process_slot_is_wanted(const struct setup *setup, unsigned slot);
/* Reads and checks the configuration; 0, or -errno with a first config_error in why. */
int setup_make(struct supervisor *s, struct setup *out, const struct conf_text *conf, char *why, size_t why_size);

/* router.c */
void router_message(void *arg, const struct msg_head *head, const void *payload); /* arg: child */
void router_closed(void *arg);
void process_state_report(struct supervisor *s, const struct child *c);
void monitor_greet(struct supervisor *s);
struct child *monitor_of(struct supervisor *s);
void event_to_monitor(struct supervisor *s, const struct event *e);

/* watch.c */
void watch_start(struct supervisor *s);
void watch_stop(struct supervisor *s);
void child_ended(struct child *c); /* the process is gone: reap, report, restart */
void child_set_state(struct child *c, enum process_state state);
/* After an upgrade: slots that nobody holds were waiting for theirs. */
void restarts_resume(struct supervisor *s);
void restart_cancel(struct supervisor *s, unsigned slot);

/* keep.c */
void fd_store_init(struct supervisor *s);
/* For the next binary: the tunnels and the descriptors that are stored, as JSON; whether those survive an exec. */
json_t *fd_store_json(const struct supervisor *s);
void fd_store_survive(const struct supervisor *s, bool yes);
/* Instead of fd_store_init: goes on with what fd_store_json reported. */
void fd_store_adopt(struct supervisor *s, const json_t *state);
void fd_store_fini(struct supervisor *s);
void fd_store_message(struct child *c, const struct msg_head *head, const void *payload);
/* A proxy is gone; asked: it had been reported to stop, and its tunnels end with it. */
void fd_store_proxy_exited(struct supervisor *s, const struct child *proxy, bool asked);
/* What dead proxies left goes to this one. */
void fd_store_transfer(struct supervisor *s, struct child *proxy);
/* The same, to a proxy that serves; without one, to the next that does. */
void fd_store_transfer_any(struct supervisor *s);
/* There is no proxy any more: what dead ones left is cut. */
void fd_store_cut(struct supervisor *s);

/* snapshots.c */
void snapshots_init(struct supervisor *s);
/* In a process's process: its own, the others are unmapped. */
struct user_snapshot *snapshots_take(const struct supervisor *s, enum process_id process);
/* For the next binary: their descriptors; whether those survive an exec. */
json_t *snapshots_json(const struct supervisor *s);
void snapshots_survive(const struct supervisor *s, bool yes);
/* Instead of snapshots_init: goes on with what snapshots_json reported. */
void snapshots_adopt(struct supervisor *s, const json_t *state);
void snapshots_fini(struct supervisor *s);

/* takeover.c */
void upgrade_exec(struct supervisor *s);
/* Rebuilds what the earlier binary left in fd; 0 or -errno after one log line. */
int upgrade_resume(struct supervisor *s, int fd);

#endif
