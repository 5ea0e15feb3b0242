/* SPDX-License-Identifier: MIT */
/* Checkpoint of legs, and what is slow; see checkpoint.h. */
#ifndef T3OPS_DIAGNOSIS_CHECKPOINT_LEGS_H
#define T3OPS_DIAGNOSIS_CHECKPOINT_LEGS_H

#include "diagnosis/checkpoint_table.h"

/* Ends with a row without a name. */
extern const struct checkpoint_table checkpoint_of_legs[];

#endif
