/* SPDX-License-Identifier: MIT */
/*
 * All that was seen in an incident, as rows: what fails, since when, what that accuses and what of it the host
 * explains; then what works, since when, and what that acquits.  What follows from each thing is evidence.h's.  Pure.
 */
#ifndef T3OPS_DIAGNOSIS_OBSERVATION_H
#define T3OPS_DIAGNOSIS_OBSERVATION_H

#include <stdbool.h>
#include <stddef.h>

#include "diagnosis/evidence.h"
#include "diagnosis/host_events.h"

/* One thing seen, and what follows from it.  Exactly one of leg, drop, live_tunnel is set. */
struct observation {
	struct leg *leg;
	struct drop *drop;
	const struct live_tunnel *live_tunnel;
	bool resolver; /* of leg: about its look-ups, not its connection */
	bool fresh;    /* of leg: about its fresh connections */
	bool large;    /* of leg: about its large messages */
	struct tomo_path accused;
	uint64_t began_us, seen_us;    /* if it accuses */
	unsigned by;                   /* whose proofs count against that: TOMO_BY_* */
	unsigned proof;                /* what kind of proof it is itself */
	const struct host_event *host; /* that explains it: it accuses the host alone */
	const struct host_event *ours; /* the end of a proxy of ours, which explains it: it accuses dispatch alone */
	struct tomo_path acquitted;
	uint64_t proven_us;
	uint64_t answered_us; /* of live_tunnel: since when its page must have got an answer; 0: not known */
	unsigned answer;      /* what kind of proof that is */
	uint64_t verdict;     /* id of the verdict that it is part of, 0: none yet */
};

struct observations {
	struct observation *rows; /* legs that fail, users that fail, then what works */
	size_t n, n_failing;
};

/* Gathers; 0 or -ENOMEM.  Pointers into in, legs and host stay borrowed. */
int observations_init(struct observations *o, struct incident *in, const struct probe_table *legs,
                      const struct host_events *host, struct topology *t);
void observations_fini(struct observations *o);

/* How a leg failed in the incident; step 0: it was late only. */
const struct leg_end *observation_end(const struct observation *f);

/* Whether users' heartbeats came while it lasted. */
bool observation_users_heard(const struct incident *in, const struct host_event *e);

/* Whether the latest attempt got an answer from the edge or behind it; a fresh connection always is of them. */
bool observation_is_of_new_connections(const struct observation *f);
/* Of what a leg shows: when what failed last had been begun, at the earliest when it broke. */
uint64_t observation_tried_us(const struct observation *f);

#endif
