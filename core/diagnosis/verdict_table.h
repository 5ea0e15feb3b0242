/* SPDX-License-Identifier: MIT */
/* The verdicts that stand, and those that ended a moment ago.  Pure. */
#ifndef T3OPS_DIAGNOSIS_VERDICT_TABLE_H
#define T3OPS_DIAGNOSIS_VERDICT_TABLE_H

#include "diagnosis/observation.h"
#include "diagnosis/probe_table.h"
#include "diagnosis/verdict.h"

struct verdict_table {
	struct verdict **rows; /* oldest first */
	size_t n, room;
	uint64_t given; /* id of the latest */
};

void verdict_table_fini(struct verdict_table *t);

/* A new row with the next id; NULL without memory. */
struct verdict *verdict_table_add(struct verdict_table *t);
/* NULL if there is none. */
struct verdict *verdict_table_get(const struct verdict_table *t, uint64_t id);

/* The newest that such a conclusion is part of: it stands and shares a suspect, or it ended a moment ago and is the
 * same. Not one that the classification of now_us has taken. */
struct verdict *verdict_table_match(const struct verdict_table *t, const struct topology *topology,
                                    const struct verdict_conclusion *f, uint64_t now_us);
/* The newest fault that explains this drop, though the drop says nothing of it: the tunnel was opened and broke
 * before the fault's end, which was a moment ago; or legs say that the fault stands.  user_path: the user's whole
 * one. */
struct verdict *verdict_table_explain(const struct verdict_table *t, const struct topology *topology,
                                      const struct observation *f, const struct tomo_path *user_path,
                                      uint64_t now_us);

/* Whether one stands to which something of that incident was counted. */
bool verdict_table_stands_in(const struct verdict_table *t, uint64_t incident);

/* Whether a fault of that path, which legs have seen, stands or ended a moment ago. */
bool verdict_table_is_recent(const struct verdict_table *t, const struct tomo_path *path, uint64_t now_us);

/* Whether it is the echo of a fault that ended a moment ago, or seems to have: of that path, and tried before the
 * end. */
bool verdict_table_echoes(const struct verdict_table *t, const struct tomo_path *path, uint64_t tried_us,
                          uint64_t now_us);
/* The user is back in all of them. */
void verdict_table_user_back(struct verdict_table *t, const char *user);
/* Moves on what has to with time and evidence, and returns the next one that ended, NULL if none is left. */
struct verdict *verdict_table_end_next(struct verdict_table *t, const struct probe_table *legs, uint64_t now_us);
/* When that is due without news; UINT64_MAX: never. */
uint64_t verdict_table_due_us(const struct verdict_table *t);
/* Forgets what ended long ago. */
void verdict_table_expire(struct verdict_table *t, uint64_t now_us);

#endif
