/* SPDX-License-Identifier: MIT */
/*
 * What happened to this machine, or to t3ops itself, and makes everything look dead that was measured meanwhile: the
 * events of the last minutes, and whether one of them explains a failure.  Pure.
 *
 *   FROZEN       a process of ours did not run     what it measured: silence of which a quarter was that, or a
 *                                                  connection that was cut after a gap as long as a page's patience
 *   SUSPENDED    the machine slept or was paused   all that began meanwhile, or until its network is back
 *   CLOCK_SET    its wall clock jumped             nothing: connections know no wall clock
 *   OOM_KILL     the kernel killed for memory      a process of this machine that ended with it
 *   STRAINED     everything waited for memory      silence of which a quarter was that
 *   STARVED        our loop waited for a CPU      silence of which a half was that: whatever answers
 *                                                 on this machine waited, too; never one while
 *                                                 something else was answered in time
 *   OVERLOADED     servers of many users were    silence that began meanwhile, whoever's: what is late
 *                  late at once, and programs     here makes everything look so (overload.h)
 *                  waited for the machine
 *   OFFLINE        no default route is left that  what goes out and was not answered since, be it by
 *                  goes over a link with carrier  silence or for want of a route: no segment can be
 *                                                 told; nothing that was heard of meanwhile
 *   PROXY_GONE     a proxy of ours died, or hung  what ends at a proxy and began then: it accuses
 *                  until it was killed            dispatch, not the host
 */
#ifndef T3OPS_DIAGNOSIS_HOST_EVENTS_H
#define T3OPS_DIAGNOSIS_HOST_EVENTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "diagnosis/pressure.h"

enum host_event_kind {
	HOST_FROZEN,
	HOST_SUSPENDED,
	HOST_CLOCK_SET,
	HOST_OOM_KILL,
	HOST_STRAINED,
	HOST_STARVED,
	HOST_OVERLOADED,
	HOST_PROXY_GONE,
	HOST_OFFLINE
};

#define HOST_GOES_ON UINT64_MAX /* until_us of what is not over */

/* length_us is more than the time between both if this clock stood still, too; of CLOCK_SET it is the jump, of
 * STRAINED and OVERLOADED the time for which programs waited, of STARVED by how much our loop was late. */
struct host_event {
	enum host_event_kind kind;
	const char *process;        /* of FROZEN: its name, static */
	bool prober, proxy;         /* of FROZEN: what it measures */
	uint64_t from_us, until_us; /* CLOCK_MONOTONIC; of OFFLINE HOST_GOES_ON at first */
	uint64_t length_us;         /* how long it was, or had to be waited; 0: it goes on */
	uint64_t kills;             /* of OOM_KILL */
	unsigned servers;           /* of OVERLOADED: of how many users they were late */
};

/* A failure: who measured it, and when. */
struct host_question {
	bool prober, proxy;         /* whose standing still would show so */
	bool ended;                 /* a process of this machine ended it */
	bool unanswered;            /* it failed for lack of an answer in time, not by one */
	bool others_prompt;         /* something else that was asked since then answered in time */
	bool outward;               /* it crosses the network of this machine, and nobody there said anything */
	uint64_t tried_us;          /* of outward: when it failed last */
	uint64_t heard_us;          /* of outward: when it was last proven to pass */
	uint64_t began_us, seen_us; /* the same: it was cut; else nothing came in between */
};

struct host_events {
	struct host_event *rows;
	size_t n, room;
};

void host_events_fini(struct host_events *h);
/* Forgets what ended before keep_us.  Being strained goes on where it goes on; an OFFLINE that is over ends the one
 * that goes on.  1: something new, 0: it goes on, or is too short to explain anything; -ENOMEM. */
int host_events_add(struct host_events *h, const struct host_event *e, uint64_t keep_us);
/* The longest that explains it, OFFLINE before all others, and OVERLOADED only if no other does; NULL: none does. */
const struct host_event *host_events_find(const struct host_events *h, const struct host_question *q);

/* Whether something was heard at heard_us while it lasted; what was on its way when it began is no sign. */
bool host_event_heard(const struct host_event *e, uint64_t heard_us);
/* Whether it was over for so long at at_us. */
bool host_event_is_over(const struct host_event *e, uint64_t at_us, uint64_t for_us);

/* What two samples of the host say happened between them: false if nothing did. */
bool host_event_of_kills(const struct pressure *before, const struct pressure *now, struct host_event *out);
bool host_event_of_strain(const struct pressure *before, const struct pressure *now, struct host_event *out);
bool host_event_of_starvation(const struct pressure *before, const struct pressure *now, struct host_event *out);

const char *host_event_name(enum host_event_kind kind); /* frozen suspended clock_set oom_kill strained starved
                                                         * overloaded proxy_gone offline */

#endif
