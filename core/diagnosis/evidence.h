/* SPDX-License-Identifier: MIT */
/*
 * Evidence: what was seen of every leg and user, since when, and which segments it accuses or acquits.  Pure.
 *
 * What is accused                                          and acquitted by the same attempt
 *   leg, established or late                all segments   -
 *   leg, latest attempt ended in DNS        resolver       -
 *   ... CONNECT or TLS                      up to the edge before the edge, if it answered
 *   ... HTTP with a status                  after the edge up to the edge
 *   ... HTTP with anything else             from the edge  before the edge
 *   leg, login page                         nothing        nothing: a note says so
 *   resolver alone                          resolver       -
 *   fresh connection beside a leg           as an attempt of the leg
 *   large message of a leg                  all segments   -
 *   page: late_, few_pings, answers_*, cut  the user's path without serve(user)
 *   page: server_late, server_ended         serve(user); nothing that works meanwhile acquits it
 *   page: lost_by_us                        dispatch; nothing acquits it
 *   tunnel of unknown page, side SERVE      serve(user); nothing acquits it
 *   ... side CLIENT                         the user's path without serve(user)
 *   ... side PATH (page gave up)            the user's whole path
 *
 * What is acquitted, of what began to fail earlier
 *   leg whose ping was sent and answered    all segments
 *   leg whose look-up worked                its resolver's: an address from a cache acquits none, nor does a look-up
 *                                           while the leg goes on waiting for an answer
 *   tunnel that carried data                the user's path without the last mile, from the client; serve(user), from
 *                                           the t3 server.  What fell silent, or lost answers, may be broken in the
 *                                           way down alone: there a page acquits that still beats when its patience
 *                                           would be over
 *   tunnel that was opened, while what
 *   failed went on failing after it         the user's path without the last mile, of new connections
 *   fresh connection that worked, or large
 *   message that was answered               all segments
 *
 * What a host event explains (host_events.h) accuses the host and nothing else, or dispatch, where a proxy of
 * ours was gone; unless the leg still fails long after.  A leg that failed acquits nothing when it is back.  Tunnels
 * that live acquit neither what fails for one user alone (a leg per user), nor what answers new connections with an
 * error: only what was connected meanwhile acquits that, and established legs that make no fresh connections.  What
 * was lost of large messages only large ones acquit; and those of a page's drop where they are lost, unless its Pings
 * came late: they are small.
 */
#ifndef T3OPS_DIAGNOSIS_EVIDENCE_H
#define T3OPS_DIAGNOSIS_EVIDENCE_H

#include <stdbool.h>
#include <stddef.h>

#include "diagnosis/host_events.h"
#include "diagnosis/incident.h"
#include "diagnosis/probe_table.h"
#include "diagnosis/topology.h"

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

/* What a failed leg accuses by how far its latest attempt got, and what that attempt acquits. */
void evidence_of_leg(const struct leg *leg, enum leg_part *accused, enum leg_part *acquitted);
/* Whether the latest attempt got an answer from the edge or behind it: new connections fail, old ones may live. */
bool evidence_is_of_new_connections(const struct leg *leg);
/* The same of something that fails: a fresh connection always is. */
bool observation_is_of_new_connections(const struct observation *f);
/* Of what a leg shows: when what failed last had been begun, at the earliest when it broke. */
uint64_t observation_tried_us(const struct observation *f);
/* Whether the leg, or its resolver, fell silent: one direction alone may be broken. */
bool evidence_is_silence(const struct leg *leg);
/* Whether what was sent to the page did not reach it, though its Pings came. */
bool evidence_is_of_lost_answers(const struct drop *d);
/* The part of a user's path that a drop accuses; NONE: not a drop. */
enum user_part evidence_of_drop(enum page_evidence evidence, unsigned reason);

#endif
