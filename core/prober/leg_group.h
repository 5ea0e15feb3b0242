/* SPDX-License-Identifier: MIT */
/*
 * The legs of one section: how many are up, and which of them have series of their own.
 *
 * Where there are more users than metrics_per_user, those in trouble come first: one that goes down takes the place
 * of the one that has been calm for longest.  All of them are in the counts.
 */
#ifndef T3OPS_PROBER_LEG_GROUP_H
#define T3OPS_PROBER_LEG_GROUP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#include "obs/metrics.h"

/* NEW counts as down, and is no trouble yet. */
enum group_state { GROUP_NEW, GROUP_UP, GROUP_DOWN, GROUP_ABSENT, GROUP_STATES };

struct group_member {
	TAILQ_ENTRY(group_member) link; /* of those that are listed */
	enum group_state state;
	bool is_listed;
	void (*list)(void *arg, bool listed); /* its series are to be there, or not */
	void *arg;
};

TAILQ_HEAD(group_members, group_member);

struct leg_group {
	int64_t limit; /* of those that are listed; below 0: none */
	size_t n, n_listed, counts[GROUP_STATES];
	struct group_members calm, troubled; /* that are listed, those of whom something was heard last at the end */
	struct series *up, *down, *absent, *unlisted;
	uint64_t config; /* leg_section_hash */
};

void leg_group_init(struct leg_group *g, struct metrics *m, const char *section, int64_t limit);
/* Its state is NEW; listed, if there is room. */
void leg_group_join(struct leg_group *g, struct group_member *member);
/* Lists it if its state is worth it. */
void leg_group_set(struct leg_group *g, struct group_member *member, enum group_state state);
void leg_group_leave(struct leg_group *g, struct group_member *member);

#endif
