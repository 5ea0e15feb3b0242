/* SPDX-License-Identifier: MIT */
/*
 * A conclusion becomes a verdict.  If it shares a member, or a suspect, with one that is there, it revises that:
 * narrower, other suspects, more users, there again.  One that says the same is not reported again.
 */
#ifndef T3OPS_DIAGNOSIS_CONCLUSION_H
#define T3OPS_DIAGNOSIS_CONCLUSION_H

#include "diagnosis/classification.h"

/* What the members conclude; without memory, j->error says so. */
void conclusion_give(struct classification *j, const struct verdict_conclusion *f, const struct members *m);
/* Takes the members into a verdict.  What was new: users; anything at all. */
bool conclusion_join(struct classification *j, struct verdict *v, const struct members *m, bool *new_users);
void conclusion_report(const struct classification *j, struct verdict *v);

#endif
