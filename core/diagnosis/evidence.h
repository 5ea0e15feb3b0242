/* SPDX-License-Identifier: MIT */
/*
 * Evidence: what was seen of every leg and user, since when, and which segments it accuses or acquits.  Pure.
 *
 * What is accused                                          and acquitted by the same attempt
 *   leg, established or late                all segments   -
 *   leg, latest attempt ended in DNS        resolver       -
 *   ... CONNECT or TLS                      up to the edge before the edge, if it answered
 *   ... HTTP with a status                  after the edge up to the edge
 *   ... HTTP unanswered, reset or eof       all segments   before the edge
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
 *   leg whose look-up worked                its resolver's: an address from a cache acquits none
 *   tunnel that carried data                from the client: the user's path without the last mile;
 *                                           from the t3 server: serve(user)
 *   tunnel that was opened, while what      the user's path without the last mile, of new connections
 *   failed went on failing after it
 *   fresh connection that worked, or        all segments
 *   large message that was answered
 *
 * Locations (topology.h): a path over one crosses its segment, as "cloudflare", and its own instance of it.  Legs and
 * tunnels acquit the segment, and the instance that they came over.  A tunnel acquits that of users' drops only if it
 * was heard without a gap since before anything failed: who is back may show no more than that it is over.
 *
 * Of a leg that fails itself only a look-up between two attempts that nobody answered acquits: before them the uplink
 * may have worked until then, after them it may be what heals.  What fell silent, or lost answers, may be broken in
 * the way down alone: there a page acquits that still beats when its patience would be over.
 *
 * An answer acquits when it came.  A step that was not answered, or cut, says nothing of when or where: all that had
 * to answer is accused, and the step before acquits when it was over, so only what had failed before.  What nobody
 * answers after it had failed in another way began to fail with that silence.
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

#include "diagnosis/incident.h"
#include "diagnosis/probe_table.h"
#include "diagnosis/topology.h"

/* What the end of an attempt says. */
struct end_evidence {
	enum leg_part accused, acquitted;
	bool until_end; /* acquitted when it ended, by its answer; else when the step began in which it ended */
};

struct end_evidence evidence_of_end(const struct leg_def *def, const struct leg_end *end);
/* Of the latest attempt; one that made none accuses all segments. */
struct end_evidence evidence_of_leg(const struct leg *leg);
/* Whether the latest attempt got an answer from the edge or behind it: new connections fail, old ones may live. */
bool evidence_is_of_new_connections(const struct leg *leg);
/* Whether the leg, or its resolver, fell silent: one direction alone may be broken. */
bool evidence_is_silence(const struct leg *leg);
/* Whether the drop accuses what is before us, perhaps among others. */
bool evidence_is_before_us(const struct drop *d);
/* Whether what was sent to the page did not reach it, though its Pings came. */
bool evidence_is_of_lost_answers(const struct drop *d);
/* The part of a user's path that a drop accuses; NONE: not a drop. */
enum user_part evidence_of_drop(enum page_evidence evidence, unsigned reason);

#endif
