/* SPDX-License-Identifier: MIT */
/* The one line that answers without a click: how things are now, since when, and whom it affects.  Of JSON (verdicts
 * that stand or ended, the state); pure. */
#ifndef T3OPS_MONITOR_HEADLINE_H
#define T3OPS_MONITOR_HEADLINE_H

#include <jansson.h>
#include <stdint.h>

struct headline_facts {
	const json_t *verdicts; /* those that stand, and others, newest first */
	const json_t *last;     /* the last verdict there was; NULL: none */
	uint64_t incident_us;   /* since when evidence is gathered for one that has no verdict yet; 0: none is */
	uint64_t since_us;      /* since when this is known at all */
	size_t legs, legs_down; /* legs_down: their users' t3 servers aside */
};

/*
 * New reference: {"state":"clear"|"unclear"|"degraded"|"down", "lead":TEXT, "since":TIME, "rest":TEXT}: the lead, the
 * time and the rest make the line, as in "Tunnel down since 14:03, 3 users affected".  down: something of ours is
 * broken; degraded: users are affected and ours is exonerated, or only a part fails; unclear: evidence is gathered,
 * or what failed more than once works and may fail again.
 */
json_t *headline_make(const struct headline_facts *f);

#endif
