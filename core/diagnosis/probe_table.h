/* SPDX-License-Identifier: MIT */
/*
 * What is known of every leg: what it is now, and what it has to say in the open incident.  A record changes
 * in leg_transition only.  Pure: no I/O, no clock.
 */
#ifndef T3OPS_DIAGNOSIS_PROBE_TABLE_H
#define T3OPS_DIAGNOSIS_PROBE_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "diagnosis/topology.h"

/*
 * What it is now.  UNKNOWN: nothing is known, or t3ops itself ended it.
 *
 *   UNKNOWN --UP, ALIVE--> UP --LATE--> LATE --DOWN--> DOWN --UP--> UP
 *   UP --DOWN--> DOWN;  LATE --UP, ALIVE--> UP;  UNKNOWN --ATTEMPT--> DOWN
 *   WALLED_OFF in place of DOWN: the last attempt met a login page
 *   any --PROBER_REPLACED, DOWN by t3ops itself--> UNKNOWN
 */
enum leg_state { LEG_IS_UNKNOWN, LEG_IS_UP, LEG_IS_LATE, LEG_IS_DOWN, LEG_IS_WALLED_OFF };

/*
 * What it says in the open incident.
 *
 *   SILENT --LATE--> SUSPECTED --UP, ALIVE--> CLEARED
 *   any --DOWN of a leg that worked--> FAILED --UP, ALIVE--> RECOVERED
 *   CLEARED --LATE--> SUSPECTED;  RECOVERED --LATE--> FAILED
 *   the incident is over:  SUSPECTED, FAILED --> STALE;  CLEARED, RECOVERED --> SILENT
 *   STALE --UP, ALIVE--> SILENT: what went on failing neither accuses nor acquits in the next incident
 *   any --DOWN by t3ops itself--> SILENT
 */
enum leg_testimony { LEG_SILENT, LEG_SUSPECTED, LEG_CLEARED, LEG_FAILED, LEG_RECOVERED, LEG_STALE };

/*
 * The look-ups of its plugin.
 *
 *   UNKNOWN --answered--> WORKS <--answered, failed--> FAILS;  UNKNOWN --failed--> FAILS
 */
enum resolver_state { RESOLVER_UNKNOWN, RESOLVER_WORKS, RESOLVER_FAILS };

/* One end of an attempt, or of an established leg. */
struct leg_end {
	uint16_t step, reason, code; /* enum t3ops_step, enum t3ops_reason, close code or HTTP status */
};

struct leg {
	const struct leg_def *def;
	const char *user; /* "" for a leg that is not per user */
	enum leg_state state;
	uint64_t since_us;   /* of this state; since 1970 */
	struct leg_end last; /* why it is or was down */
	uint64_t rtt_us;     /* of the last answer */
	enum resolver_state resolver;
	uint64_t fault; /* number of the standing fault that it is evidence of, 0: none */
	uint64_t resolver_fault;

	/* Of the open incident. */
	enum leg_testimony testimony;
	struct leg_end first;                  /* how it failed; step 0: it was late only */
	struct leg_end latest;                 /* of the latest attempt, if attempted */
	bool attempted;                        /* an attempt ended since it failed */
	bool alive;                            /* it answered the incident's probe */
	bool reported;                         /* an attempt ended that the incident's probe asked for */
	enum leg_testimony resolver_testimony; /* SILENT, FAILED or STALE */
};

enum leg_input_kind {
	LEG_UP,
	LEG_ALIVE,
	LEG_LATE,
	LEG_DOWN,
	LEG_ATTEMPT,
	LEG_LOOKED_UP,          /* reason NONE: answered */
	LEG_PROBER_REPLACED,    /* or gone: nothing is known of it any more */
	LEG_CONVICTED,          /* it is evidence of `fault` from now on */
	LEG_RESOLVER_CONVICTED, /* its look-ups are */
	LEG_INCIDENT_OVER,
};

/* What happens to a record. */
struct leg_input {
	enum leg_input_kind kind;
	uint16_t step, reason, code;
	uint64_t wall_us;
	uint64_t rtt_us; /* of an answer, 0: not said */
	bool asked;      /* it answers the probe of the open incident */
	uint64_t fault;
};

/* What the rest of the diagnosis has to know of a transition: bits. */
#define LEG_NEWS_BROKE      1u /* evidence of a new drop */
#define LEG_NEWS_WALLED_OFF 2u /* it met a login page, and had not before */

unsigned leg_transition(struct leg *leg, const struct leg_input *in);

/* Whether its failure counts in the open incident: a late answer that came is none. */
bool leg_fails(const struct leg *leg);
/* Whether nothing more is to come of this leg in the open incident. */
bool leg_has_reported(const struct leg *leg);

struct probe_table {
	struct leg **rows; /* pointers stay valid until the leg is removed */
	size_t n, room;
};

void probe_table_fini(struct probe_table *b);
/* By section name and user; made if it is new and configured.  -ENOENT: not configured; -ENOMEM. */
int probe_table_get(struct probe_table *b, struct topology *t, const char *name, const char *user, struct leg **out);
void probe_table_remove(struct probe_table *b, struct leg *leg);
/* The same for every leg. */
void probe_table_transition(struct probe_table *b, const struct leg_input *in);

const char *leg_state_name(const struct leg *leg); /* up late down walled_off unknown */

#endif
