/* SPDX-License-Identifier: MIT */
/*
 * Verdicts that outlive the diagnosis that gave them: what has to be kept of one so that the next diagnosis goes on
 * with it, until its evidence works again.  Plain values; pure.
 */
#ifndef T3OPS_DIAGNOSIS_RECALL_H
#define T3OPS_DIAGNOSIS_RECALL_H

#include "diagnosis/verdict_table.h"

/* What of a leg is evidence of a verdict. */
enum recall_part { RECALL_OWN, RECALL_RESOLVER, RECALL_FRESH, RECALL_LARGE, RECALL_PARTS };

struct recall_leg {
	const char *name, *user;
	enum recall_part part;
};

struct recall {
	struct verdict verdict; /* names in it need not be interned; classified_us says nothing */
	struct recall_leg *legs;
	size_t n_legs;
};

/* What is to be kept; everything in it is borrowed but the list of legs: recall_fini.  0 or -ENOMEM. */
int recall_init(struct recall *r, const struct verdict *v, const struct probe_table *legs);
void recall_fini(struct recall *r);

/* Puts it into the tables of the next diagnosis, names copied.  One whose legs that failed are all gone has expired;
 * one that came back without any leg ends with its users' return.  0, -EEXIST: it is there; -ENOMEM. */
int recall_restore(const struct recall *r, struct verdict_table *verdicts, struct probe_table *legs,
                   struct topology *t, uint64_t now_us);

#endif
