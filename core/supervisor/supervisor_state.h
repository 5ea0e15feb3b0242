/* SPDX-License-Identifier: MIT */
/*
 * What the supervisor consists of.  The files below know only those above them, and none of them this struct but the
 * last five:
 *
 *   capabilities, signals             what it keeps, and what it is told
 *   pressure_triggers                 what it opens before it keeps no more
 *   socket_address, socket_unit       what listens before and after it
 *   process_slot, listeners, setup    what is wanted
 *   check_report                      what was said against it
 *   child, process_table              the processes that run
 *   monitor_link, fd_store, user_snapshots, state_lock      what outlives a process
 *   watchdog, service_watchdog, restarts      say when a process is stuck, or is to be started again
 *   router, handover_pairing          messages; which proxy takes whose tunnels
 *   transition                        from one setup to the next, whole or not at all
 *   reload                            check, setup, transition; who asked is answered
 *   log_levels                        what the operator wants to be logged
 *   take_over, succession, upgrade    the next binary
 *   service_store, listener_store, survivors      the next supervisor, if this one dies
 *   supervisor                        boot, signals, exits, stop
 */
#ifndef T3OPS_SUPERVISOR_SUPERVISOR_STATE_H
#define T3OPS_SUPERVISOR_SUPERVISOR_STATE_H

#include "conf/resolve_child.h"
#include "supervisor/check_report.h"
#include "supervisor/fd_store.h"
#include "supervisor/monitor_link.h"
#include "supervisor/process_table.h"
#include "supervisor/restarts.h"
#include "supervisor/router.h"
#include "supervisor/service_watchdog.h"
#include "supervisor/setup.h"
#include "supervisor/supervisor_args.h"
#include "supervisor/user_snapshots.h"
#include "supervisor/watchdog.h"
#include "sys/subprocess.h"

struct supervisor;

#define WHY_SIZE 8192 /* of a reason with a path or two in it */

enum phase { PHASE_BOOT, PHASE_RUNNING, PHASE_STOPPING };

/* How a transition or a reload ended.  error: 0 or negative errno, with the reason in why. */
typedef void (*outcome_cb)(struct supervisor *s, int error, const char *why);

struct transition {
	bool running;
	bool everything; /* no process counts as unchanged */
	struct setup next;
	struct ev_timer deadline;
	outcome_cb done;
};

/* Who asked for a reload, and is answered. */
struct requester {
	uint32_t serial; /* 0: nobody, it was a signal */
	uint64_t id;
};

struct reload {
	struct resolve_child *check; /* NULL: none runs */
	struct conf_text conf;       /* what it checks */
	struct check_report report;  /* what it said */
	char why[WHY_SIZE];
	bool everything;
	struct requester requester;
	outcome_cb done;
	/* One more that was asked for meanwhile. */
	bool queued;
	struct requester queued_requester;
};

struct upgrade {
	struct subprocess *check; /* the next binary, asked whether it takes over; NULL: none runs */
	outcome_cb refused;
	bool leaving; /* it was tried, and takes over as soon as no process is being started */
	bool queued;  /* one more that was asked for meanwhile */
};

struct supervisor {
	const struct supervisor_args *args;
	struct ev_loop *loop;
	struct ev_io signals;
	struct ev_prepare rest; /* before the loop waits */
	struct loop_turn turn;
	struct metrics *metrics;
	enum phase phase;
	int exit_code;
	bool reported_ready;
	char probe_key[SECRET_DIGEST_HEX]; /* made at the start; probe_key_file goes first */
	struct socket_unit socket_unit;
	struct setup setup; /* the active one */
	struct process_table processes;
	struct monitor_link monitor;
	struct fd_store fd_store;
	struct user_snapshots snapshots;
	struct pressure_triggers pressure;
	struct watchdog watchdog;
	struct service_watchdog service_watchdog;
	struct restarts restarts;
	struct router router;
	struct transition transition;
	struct reload reload;
	struct upgrade upgrade;
};

#endif
