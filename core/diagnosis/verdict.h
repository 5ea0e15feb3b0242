/* SPDX-License-Identifier: MIT */
/*
 * A verdict: what is left as suspect of one fault, who was affected by it, and how it went on.  One id from its first
 * word to its end; what it says may be revised, and every revision is numbered.  Plain values; pure.
 *
 *   STANDING --its evidence works again--> HEALED --the same suspects fail again--> STANDING (times + 1)
 *   STANDING --nothing more is heard of its users--> EXPIRED
 */
#ifndef T3OPS_DIAGNOSIS_VERDICT_H
#define T3OPS_DIAGNOSIS_VERDICT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "diagnosis/topology.h"

enum verdict_kind {
	VERDICT_FAULT,      /* suspects say which */
	VERDICT_EXONERATED, /* all of ours was proven good; the cause is not proven */
	VERDICT_HOST,       /* the host, or t3ops itself, stood still */
	VERDICT_PROBER,     /* only the prober's own path is broken: users, or other legs, cross the same segments */
	VERDICT_UNKNOWN,    /* everything on the failing paths also worked */
	VERDICT_INCONCLUSIVE, /* this machine has no network of its own, so nothing can be told */
};

enum verdict_state { VERDICT_STANDING, VERDICT_HEALED, VERDICT_EXPIRED };

/* Why there is this revision. */
enum verdict_change {
	VERDICT_NEW,
	VERDICT_NARROWED, /* fewer suspects */
	VERDICT_CHANGED,  /* others: it contradicts the revision before */
	VERDICT_USERS,    /* more users are part of it */
	VERDICT_AGAIN,    /* it had healed and is back */
};

/* What a verdict names. */
struct verdict_conclusion {
	enum verdict_kind kind;
	struct tomo_path suspects; /* of FAULT and EXONERATED; EXONERATED: last miles, unproven */
};

/* Interned names, each once. */
struct user_set {
	const char **names;
	size_t n, room;
};

struct verdict {
	uint64_t id;
	uint64_t incident; /* that it was first given in */
	uint64_t open_in;  /* the last one in which something was counted to it */
	unsigned revision; /* from 1 */
	enum verdict_state state;
	enum verdict_change change;
	struct verdict_conclusion conclusion, was; /* was: of the revision before, if change is NARROWED or CHANGED */
	unsigned times;                            /* how often the fault was there */
	struct user_set users, absent;             /* all who were affected; those of them who are not back */
	bool grew;                                 /* users joined in this classification */
	bool named_users;                          /* the revision before named users */
	bool by_legs;                              /* legs failed, so they decide when it is over */
	size_t failing;                            /* paths that failed and are part of it, in this revision */
	uint64_t first_us;                         /* CLOCK_MONOTONIC of its first drop */
	uint64_t drop_wall_us;                     /* the same, since 1970 */
	uint64_t given_us;                         /* CLOCK_MONOTONIC of the latest revision */
	uint64_t works_us;                         /* since when its evidence works again, 0: it does not */
	uint64_t ended_us;                         /* if it is not standing */
	uint64_t cleared_us;                       /* since when its suspects seem acquitted, 0: they are not */
	uint64_t classified_us; /* when a classification last took it: one conclusion revises it, not two */
};

/* 0 or -ENOMEM. */
int user_set_add(struct user_set *s, const char *name);
void user_set_remove(struct user_set *s, const char *name);
bool user_set_has(const struct user_set *s, const char *name);
void user_set_fini(struct user_set *s);

bool verdict_conclusion_equal(const struct verdict_conclusion *a, const struct verdict_conclusion *b);
/* Whether infra is exonerated: no segment of ours is a suspect. */
bool verdict_exonerates(const struct verdict *v, const struct topology *t);

/* The same moment since 1970, the only clock that two boots share; 0 stays 0. */
uint64_t verdict_wall_us(const struct verdict *v, uint64_t mono_us);

/* Whether this revision counts as a verdict of its own: the first one, and the one that convicts after it had
 * exonerated, or could not tell. */
bool verdict_counts(const struct verdict *v);

/* "cloudflare or tunnel", "exonerated", "host", "prober", "unknown", "inconclusive"; with_users false: "serve" for
 * "serve(alice)". The caller frees it; NULL without memory. */
char *verdict_name(const struct verdict_conclusion *f, bool with_users);
/* Name of a kind that is not called by its suspects; NULL of FAULT. */
const char *verdict_kind_name(enum verdict_kind kind);
const char *verdict_state_name(enum verdict_state state);    /* standing healed expired */
const char *verdict_change_name(enum verdict_change change); /* new narrowed changed users again */

#endif
