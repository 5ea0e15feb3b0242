/* SPDX-License-Identifier: MIT */
/* What a classification works on, and what it says. */
#ifndef T3OPS_DIAGNOSIS_CLASSIFY_INPUT_H
#define T3OPS_DIAGNOSIS_CLASSIFY_INPUT_H

#include "diagnosis/hurts.h"
#include "diagnosis/verdict_table.h"

/* What a verdict is based on; borrowed while it is reported. */
struct verdict_basis {
	const struct verdict *verdict;
	const struct observations *observations; /* those with the verdict's id are its own */
	const struct host_pressure *pressure;
	const struct topology *topology;
	uint64_t wall_us, delay_us; /* when it was given; from its first drop */
};

/* All that a classification needs; legs and drops learn which verdict they are part of. */
struct classify_input {
	struct incident *incident;
	struct probe_table *legs;
	struct topology *topology;
	const struct host_events *host;
	const struct hurts *hurts;
	struct verdict_table *verdicts;
	uint64_t now_us;
	/* A verdict, or a new revision of one. */
	void (*report)(void *arg, const struct verdict_basis *b);
	void *arg;
};

#endif
