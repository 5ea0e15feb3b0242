/* SPDX-License-Identifier: MIT */
/*
 * The end of an incident: evidence in, verdicts out, and the faults that stand from then on.  Pure.
 *
 * A verdict stands until the legs it was based on work again, or, without legs, the users are back.  New suspects
 * that meet those of a standing verdict narrow to what they share: the same fault goes on.  A tunnel that is
 * older than a fault on its path and had been silent since before the fault's end, if that healed less than
 * GRACE_US ago, fell victim to it.  A loop of t3ops that was itself frozen in the window convicts `host` and
 * nobody else.
 */
#ifndef T3OPS_DIAGNOSIS_CLASSIFY_H
#define T3OPS_DIAGNOSIS_CLASSIFY_H

#include "diagnosis/fault.h"
#include "diagnosis/verdict.h"

/* All that the judgement of one incident needs; legs and faults learn what they are evidence of. */
struct classify_input {
	const struct incident *incident;
	struct probe_table *legs;
	struct topology *topology;
	struct faults *faults;
	uint64_t now_us;
	void (*verdict)(void *arg, const struct verdict *v);
	void *arg;
};

/* 0, or -ENOMEM: verdicts are missing. */
int classify(const struct classify_input *in);

#endif
