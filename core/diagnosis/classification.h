/* SPDX-License-Identifier: MIT */
/* A classification in progress, for the files that each do a part of it: classify.c, settled.c, conclusion.c. */
#ifndef T3OPS_DIAGNOSIS_CLASSIFICATION_H
#define T3OPS_DIAGNOSIS_CLASSIFICATION_H

#include "diagnosis/classify_input.h"

struct classification {
	const struct classify_input *in;
	struct observations o;
	bool *settled; /* failing observations that tomography does not explain */
	struct tomo_failure *failures;
	size_t *index; /* of each failure: its observation */
	size_t *member;
	struct tomo_group *groups;
	struct tomo_proof *proofs;
	size_t n_failures, n_proofs;
	int error;
};

/* Observations that belong together: one for which `has` says so. */
struct members {
	const bool *has; /* of each failing observation */
	size_t n;
};

#endif
