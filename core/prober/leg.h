/* SPDX-License-Identifier: MIT */
/*
 * One leg.
 *
 *   PAUSED --timer, probe--> OPENING --leg_up--> UP
 *   OPENING, UP --leg_down, watchdog--> ENDED --(next turn of the loop: leg_close)--> PAUSED
 *
 * While UP it is pinged every heartbeat.  A ping unanswered for `late` is reported once, for `watchdog` it
 * ends the leg.  A probe of the monitor is answered with exactly one event that carries its id: LEG_ALIVE,
 * LEG_LATE, LEG_DOWN, LEG_UP or LEG_ATTEMPT.
 *
 * A far end that closes with 1012 (service restart) was replaced: nothing is reported yet.  If the next
 * attempt succeeds nothing broke; if it fails, the leg went down then.
 */
#ifndef T3OPS_PROBER_LEG_H
#define T3OPS_PROBER_LEG_H

#include <sys/queue.h>

#include "plugin_host/plugin_host.h"
#include "prober/leg_metrics.h"

enum leg_phase { LEG_PAUSED, LEG_OPENING, LEG_UP, LEG_ENDED };

/* The options of the section that are the process's. */
struct leg_timing {
	uint64_t heartbeat_us, watchdog_us, late_us, reconnect_min_us, reconnect_max_us, ping_timeout_us;
};

struct t3ops_leg {
	LIST_ENTRY(t3ops_leg) link;
	struct process *process;
	struct t3ops_instance *instance;
	struct leg_timing timing;
	struct user user; /* of a per-user leg */
	struct t3ops_user user_view;
	bool per_user;
	void *plugin_state;

	enum leg_phase phase;
	bool looks_up;     /* it has resolver segments; else no attempt can fail at looking a name up */
	uint32_t step;     /* reached by this attempt */
	unsigned failures; /* attempts in a row */
	bool moving;       /* closed with 1012; counts as up until the next attempt ends */
	bool opened;       /* leg_close is owed */
	uint16_t reported_step, reported_reason, reported_code; /* how the attempt before failed */
	bool resolver_failed;                                   /* when it was received of last */
	uint64_t up_us, pinged_us; /* CLOCK_MONOTONIC; pinged_us 0: no ping is under way */
	bool late_reported;
	uint64_t asked_id, asked_since_us; /* the monitor's probe, 0: none */
	struct ev_timer next;              /* the next attempt, heartbeat, or the tidying up after an end */
	struct ev_timer watchdog;          /* of the ping under way: late first, then the end */
	struct ev_timer asked;             /* the probe's own limit */
	struct leg_metrics metrics;
};

/* Begins with its first attempt.  NULL without memory. */
struct t3ops_leg *leg_new(struct process *process, struct t3ops_instance *i, const struct user *user);
/* reported: LEG_GONE goes out. */
void leg_free(struct t3ops_leg *leg, bool reported);
/* The monitor asks what works now; since_us: only what was sent later counts. */
void leg_probe(struct t3ops_leg *leg, uint64_t id, uint64_t since_us);

/* The services of plugin.h. */
void leg_services_fill(struct t3ops_host *services);

#endif
