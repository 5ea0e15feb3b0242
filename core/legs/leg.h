/* SPDX-License-Identifier: MIT */
/*
 * One leg.
 *
 *   PAUSED --timer, probe--> OPENING --leg_up--> UP
 *   OPENING, UP --leg_down, watchdog--> ENDED --(next turn of the loop: leg_close)--> PAUSED
 *
 * While UP it is pinged every heartbeat.  A ping unanswered for `late` is told once, for `watchdog` it
 * ends the leg.  A probe of the desk is answered with exactly one event that carries its id: LEG_ALIVE,
 * LEG_LATE, LEG_DOWN, LEG_UP or LEG_ATTEMPT.
 *
 * A far end that closes with 1012 (service restart) was replaced: nothing is told yet.  If the next
 * attempt succeeds nothing broke; if it fails, the leg went down then.
 */
#ifndef T3OPS_LEGS_LEG_H
#define T3OPS_LEGS_LEG_H

#include <sys/queue.h>

#include "base/plugin_host.h"
#include "legs/leg_metrics.h"

enum leg_phase { LEG_PAUSED, LEG_OPENING, LEG_UP, LEG_ENDED };

/* The options of the section that are the room's. */
struct leg_timing {
	uint64_t heartbeat_us, watchdog_us, late_us, reconnect_min_us, reconnect_max_us, ping_timeout_us;
};

struct t3ops_leg {
	LIST_ENTRY(t3ops_leg) link;
	struct room *room;
	struct t3ops_instance *instance;
	struct leg_timing timing;
	struct user user; /* of a per-user leg */
	struct t3ops_user user_view;
	bool per_user;
	void *plugin_state;

	enum leg_phase phase;
	uint32_t step;                              /* reached by this attempt */
	unsigned failures;                          /* attempts in a row */
	bool moving;                                /* closed with 1012; counts as up until the next attempt ends */
	bool opened;                                /* leg_close is owed */
	uint16_t told_step, told_reason, told_code; /* how the attempt before failed */
	bool resolver_failed;                       /* when it was heard of last */
	uint64_t up_us, pinged_us;                  /* CLOCK_MONOTONIC; pinged_us 0: no ping is under way */
	bool late_told;
	uint64_t asked_id, asked_since_us; /* the desk's probe, 0: none */
	struct ev_timer next;              /* the next attempt, heartbeat, or the tidying up after an end */
	struct ev_timer watchdog;          /* of the ping under way: late first, then the end */
	struct ev_timer asked;             /* the probe's own limit */
	struct leg_metrics metrics;
};

/* Begins with its first attempt.  NULL without memory. */
struct t3ops_leg *leg_new(struct room *room, struct t3ops_instance *i, const struct user *user);
/* told: LEG_GONE goes out. */
void leg_free(struct t3ops_leg *leg, bool told);
/* The desk asks what works now; since_us: only what was sent later counts. */
void leg_probe(struct t3ops_leg *leg, uint64_t id, uint64_t since_us);

/* The services of plugin.h. */
void leg_services_fill(struct t3ops_host *services);

#endif
