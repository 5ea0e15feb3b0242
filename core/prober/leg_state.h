/* SPDX-License-Identifier: MIT */
/*
 * One leg, as the files of the prober share it.  Types only; for core/prober only.
 *
 *   PAUSED --timer, probe--> OPENING --leg_up--> UP
 *   OPENING, UP --leg_down, watchdog--> ENDED --(next turn of the loop: leg_close)--> PAUSED
 */
#ifndef T3OPS_PROBER_LEG_STATE_H
#define T3OPS_PROBER_LEG_STATE_H

#include <sys/queue.h>

#include "net/colo.h"
#include "plugin_host/plugin_host.h"
#include "prober/leg_metrics.h"
#include "prober/leg_way.h"
#include "prober/probe_queue.h"

enum leg_state { LEG_PAUSED, LEG_OPENING, LEG_UP, LEG_ENDED };

/* What the edge shows (leg_certificate.h). */
enum certificate_state { CERTIFICATE_UNKNOWN, CERTIFICATE_GOOD, CERTIFICATE_EXPIRING, CERTIFICATE_EXPIRED };

struct leg_certificate {
	enum certificate_state state;
	uint64_t reported_us; /* since 1970; 0: never */
};

/* Fresh connections (leg_fresh.h). */
enum fresh_state { FRESH_OFF, FRESH_WAITING, FRESH_RUNNING };

struct leg_fresh {
	enum fresh_state state; /* set by fresh_set_state only */
	uint64_t began_us;      /* CLOCK_MONOTONIC of the one that runs, or ran last; 0: none did */
	uint32_t step;          /* that it reached */
	uint64_t step_us;       /* and when */
	char colo[COLO_SIZE];   /* over which it was answered; "": not known */
	unsigned failures;      /* in a row */
	bool asked;             /* something else is wrong: one failure is worth a report */
	bool again;             /* asked for while an older one runs */
	bool inconclusive;      /* the last one said nothing */
	uint16_t reported_step, reported_reason, reported_code; /* the last failure; reason NONE: it worked */
	bool thorough; /* the last one was asked for: one large message that is lost is worth a report */
	unsigned lost; /* large messages in a row */
	bool loss_reported;
	struct ev_timer next, limit;
};

/* The options of the section that are the core's. */
struct leg_timing {
	uint64_t heartbeat_us, watchdog_us, late_us, reconnect_min_us, reconnect_max_us, ping_timeout_us, fresh_us;
	uint64_t certificate_days;
};

struct t3ops_leg {
	LIST_ENTRY(t3ops_leg) link;
	struct t3ops_leg *same_user;                /* leg_index.h */
	struct probe_item probe;                    /* it is to be asked */
	void (*on_up)(const struct t3ops_leg *leg); /* a sign of life for others; NULL: nobody asks */
	bool absent;                                /* its user never ran t3: it counts neither as up nor as down */
	struct process *process;
	struct t3ops_instance *instance;
	struct leg_timing timing;
	uint64_t
	    target; /* what it connects to and how, as a number: the same after a reload that changes nothing of it */
	bool looks_up;    /* it has resolver segments; without them no attempt fails at looking a name up */
	bool per_user;    /* its user is below */
	struct user user; /* zero unless per_user */
	struct t3ops_user user_view;
	void *plugin_state;
	struct t3ops_ws *carrier; /* of its heartbeats; NULL: none is known */
	struct leg_way way;       /* how long they take, each way */

	enum leg_state state; /* set by leg_set_state only */
	uint32_t step;        /* that this attempt reached */
	uint64_t step_us;     /* and when */
	char colo[COLO_SIZE]; /* the location over which it was answered; "": not known */
	unsigned failures;    /* attempts in a row that failed */
	bool moving;          /* closed with 1012: counts as up until the next attempt has ended */
	bool opened;          /* leg_open was called, leg_close was not yet */
	uint64_t up_us;       /* CLOCK_MONOTONIC */
	uint64_t down_us;     /* since when it is not; of a new one, its birth */
	uint64_t ended_us;    /* when the connection or the attempt before ended; 0: none did */
	uint64_t pinged_us;   /* when the heartbeat that is out was sent; 0: none is out */

	bool late_reported;
	uint64_t may_ask_us;  /* when the plugin last had an occasion to ask the resolver */
	bool resolver_failed; /* what the resolver did last */
	uint16_t reported_step, reported_reason, reported_code; /* how the attempt before failed */

	uint64_t asked_id;       /* of the monitor's probe that is not answered yet; 0: none */
	uint64_t asked_since_us; /* only what was sent later counts */

	struct ev_timer next;     /* the next attempt or heartbeat, or leg_close after an end */
	struct ev_timer watchdog; /* of the heartbeat that is out: first `late`, then the end */
	struct ev_timer asked;    /* limit of the probe */
	struct leg_fresh fresh;
	struct leg_certificate certificate;
	struct leg_metrics metrics;
};

/* Whether it makes fresh connections beside its own. */
static inline bool leg_fresh_is_made(const struct t3ops_leg *leg)
{
	return leg->timing.fresh_us > 0 && leg->instance->plugin.leg_fresh != NULL;
}

#endif
