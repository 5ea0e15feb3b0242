/* SPDX-License-Identifier: MIT */
/* A table of a checkpoint (checkpoint.h) with its writer and its reader.  checkpoint_*.c have them, one file for each
 * kind. */
#ifndef T3OPS_DIAGNOSIS_CHECKPOINT_TABLE_H
#define T3OPS_DIAGNOSIS_CHECKPOINT_TABLE_H

#include "diagnosis/diagnosis_state.h"
#include "diagnosis/fields.h"

struct checkpoint_table {
	const char *name;
	size_t (*rows)(const struct diagnosis *d);
	/* The pairs of that row. */
	void (*write)(const struct diagnosis *d, size_t row, FILE *out);
	/* One more row; changes the line.  0, -EINVAL, -ENOMEM. */
	int (*read)(struct diagnosis *d, char *line);
};

#endif
