/* SPDX-License-Identifier: MIT */
/* Whether many servers are late at once; see overload.h. */
#include "diagnosis/overload.h"

#include "diagnosis/incident_timing.h"
#include "plugin.h"

/* What is late: a leg to a server, or a page that its server did not answer. */
struct late {
	const char *user; /* NULL: this one is not */
	uint64_t began_us;
};

static bool is_unanswered(const struct leg *leg)
{
	return leg_fails(leg) && leg_end_is_unanswered(leg->attempted ? leg->latest.reason : leg->first.reason);
}

static struct late of_leg(const struct leg *leg)
{
	if (!leg->def->per_user || leg->never_up)
		return (struct late){NULL, 0};
	if (is_unanswered(leg))
		return (struct late){leg->user, leg->began_us};
	if (leg->rtt_us >= PROMPT_US) /* it did answer */
		return (struct late){leg->user, leg->alive_us};
	return (struct late){NULL, 0};
}

static struct late of_drop(const struct drop *d)
{
	return d->evidence == PAGE_SERVER_LATE ? (struct late){d->user, d->began_us} : (struct late){NULL, 0};
}

/* The legs first, then the drops. */
static struct late nth(const struct probe_table *legs, const struct incident *in, size_t i)
{
	return i < legs->n ? of_leg(legs->rows[i]) : of_drop(&in->drops[i - legs->n]);
}

static bool is_within(const struct late *l, uint64_t from_us)
{
	return l->user != NULL && l->began_us >= from_us && l->began_us <= from_us + CROWD_SPAN_US;
}

/* Users, each once: one that was counted for an earlier row is not counted again. */
static unsigned users_within(const struct probe_table *legs, const struct incident *in, uint64_t from_us)
{
	size_t rows = legs->n + in->n_drops;
	unsigned n = 0;

	for (size_t i = 0; i < rows; i++) {
		struct late l = nth(legs, in, i);
		bool again = false;

		if (!is_within(&l, from_us))
			continue;
		for (size_t k = 0; i >= legs->n && k < legs->n && !again; k++) {
			struct late leg = of_leg(legs->rows[k]);

			again = leg.user == l.user && is_within(&leg, from_us);
		}
		n += !again;
	}
	return n;
}

/* So many at once are no chance: MASS_MIN, or all of a few. */
static unsigned crowd_of(const struct probe_table *legs)
{
	unsigned servers = 0;

	for (size_t i = 0; i < legs->n; i++)
		servers += legs->rows[i]->def->per_user && legs->rows[i]->state != LEG_IS_UNKNOWN;
	return servers >= MASS_MIN ? MASS_MIN : servers >= CROWD_MIN ? servers : CROWD_MIN;
}

/* The time in which the machine kept programs waiting, as a part of all since then; 0 if that is not known. */
static double busy_since(const struct pressure_ring *ring, uint64_t from_us)
{
	struct pressure before;
	struct host_pressure p;

	pressure_before(ring, from_us, &before);
	pressure_window(&before, ring, &p);
	if (!p.known)
		return 0;
	return p.cpu > p.io ? p.cpu : p.io;
}

bool overload_find(const struct probe_table *legs, const struct incident *in, const struct pressure_ring *ring,
                   uint64_t now_us, struct host_event *out)
{
	uint64_t from_us = 0;
	unsigned most = 0;
	double busy;

	for (size_t i = 0; in->id != 0 && i < legs->n + in->n_drops; i++) {
		struct late l = nth(legs, in, i);
		unsigned n = l.user != NULL ? users_within(legs, in, l.began_us) : 0;

		if (n > most) {
			most = n;
			from_us = l.began_us;
		}
	}
	if (most < crowd_of(legs))
		return false;
	busy = busy_since(ring, from_us);
	*out = (struct host_event){.kind = HOST_OVERLOADED,
	                           .from_us = from_us,
	                           .until_us = now_us,
	                           .length_us = (uint64_t)(busy * (double)(now_us - from_us)),
	                           .servers = most};
	return busy >= BUSY_PART;
}

bool overload_may_be(const struct probe_table *legs, const struct pressure_ring *ring, uint64_t asked_us)
{
	uint64_t from_us = UINT64_MAX;
	unsigned owing = 0;

	for (size_t i = 0; i < legs->n; i++) {
		const struct leg *leg = legs->rows[i];

		if (is_unanswered(leg) && leg->verdict == 0)
			from_us = sooner(from_us, leg->began_us);
		owing += leg->def->per_user && (leg->state == LEG_IS_UP || leg->state == LEG_IS_LATE) &&
		         leg->alive_us < asked_us;
	}
	return from_us != UINT64_MAX && owing >= crowd_of(legs) && busy_since(ring, from_us) >= BUSY_PART;
}
