/* SPDX-License-Identifier: MIT */
/*
 * What is slow now, and where: the paths of slow legs, of their slow look-ups, and of users whose pages are answered
 * late, less what answers as usual.  Said when it begins, when it moves, and when it is over; no verdict.  Pure.
 */
#ifndef T3OPS_DIAGNOSIS_SLOW_PATHS_H
#define T3OPS_DIAGNOSIS_SLOW_PATHS_H

#include "diagnosis/probe_table.h"
#include "diagnosis/verdict.h"

/* Zeroed is ready. */
struct slow_paths {
	struct user_set users;  /* whose pages are slow; interned */
	bool is;                /* something is, and was reported */
	struct tomo_path where; /* as it was reported */
	uint64_t reported_us;
};

/* What is said of it; borrowed. */
struct slow_report {
	bool over;
	const struct tomo_path *where; /* suspects; of the beginning, if it is over */
	const struct user_set *users;
	const struct leg *leg; /* the slowest one, NULL: users only */
	bool lookups;          /* of the leg: its look-ups are, not its round trips */
};

void slow_paths_fini(struct slow_paths *s);
/* The user's page became slow, or is fine.  0 or -ENOMEM. */
int slow_paths_user(struct slow_paths *s, const char *user, bool slow);
/* Compares with what was reported.  1: *out is to be said; 0: nothing new; -ENOMEM. */
int slow_paths_look(struct slow_paths *s, const struct probe_table *legs, struct topology *t, uint64_t now_us,
                    struct slow_report *out);

#endif
