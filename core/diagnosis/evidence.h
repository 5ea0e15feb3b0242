/* SPDX-License-Identifier: MIT */
/*
 * Evidence of one incident: what was seen of every leg and user, and which segments it accuses or acquits.
 * Pure.
 *
 * What is accused                                          and acquitted by the same attempt
 *   leg, established or late                all segments   -
 *   leg, latest attempt ended in DNS        resolver       -
 *   ... CONNECT or TLS                      up to the edge resolver; before the edge, if it answered
 *   ... HTTP with a status                  after the edge resolver, up to the edge
 *   ... HTTP with anything else             from the edge  resolver, before the edge
 *   leg, login page                         nothing        nothing: a note says so
 *   resolver alone                          resolver       -
 *   tunnel, side SERVE                      serve(user)    -
 *   tunnel, side CLIENT                     the user's path without serve(user)
 *   tunnel, side PATH (page gave up)        the user's whole path
 *
 * What is acquitted
 *   leg that answered this incident's ping and did not fail in it: all segments, and the resolver's
 *     if its last look-up worked
 *   tunnel that carried data after the drop and is older than it: the user's path, serve(user) if
 *     the t3 server sent
 *
 * A leg that failed in an earlier incident and is still down neither accuses nor acquits.
 */
#ifndef T3OPS_DIAGNOSIS_EVIDENCE_H
#define T3OPS_DIAGNOSIS_EVIDENCE_H

#include <stdbool.h>
#include <stddef.h>

#include "diagnosis/incident.h"
#include "diagnosis/probe_table.h"
#include "diagnosis/topology.h"

/* One thing seen, and what follows from it.  Exactly one of leg, drop, live_tunnel is set. */
struct observation {
	struct leg *leg;
	const struct drop *drop;
	const struct live_tunnel *live_tunnel;
	bool resolver; /* of leg: about its look-ups, not its connection */
	struct tomo_path accused, acquitted;
};

struct observations {
	struct observation *rows; /* legs that fail, users that fail, then what works */
	size_t n, n_failing;
};

/* Gathers; 0 or -ENOMEM.  Pointers into in and legs stay borrowed. */
int observations_init(struct observations *f, const struct incident *in, const struct probe_table *legs,
                      struct topology *t);
void observations_fini(struct observations *f);

/* Whether the failing path f is among those that have these suspects. */
bool observation_supports(const struct observation *f, const struct tomo_path *suspects);
/* How a leg failed in the incident; step 0: it was late only. */
const struct leg_end *observation_end(const struct observation *f);

/* What a failed leg accuses by how far its latest attempt got, and what that attempt acquits. */
void evidence_of_leg(const struct leg *leg, enum leg_part *accused, enum leg_part *acquitted,
                     bool *resolver_acquitted);
/* The part of a user's path that the end of a tunnel accuses. */
enum user_part evidence_of_drop(unsigned reason);

#endif
