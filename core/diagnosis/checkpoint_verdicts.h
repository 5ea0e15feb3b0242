/* SPDX-License-Identifier: MIT */
/* Checkpoint of verdicts; see checkpoint.h. */
#ifndef T3OPS_DIAGNOSIS_CHECKPOINT_VERDICTS_H
#define T3OPS_DIAGNOSIS_CHECKPOINT_VERDICTS_H

#include "diagnosis/checkpoint_table.h"

/* Ends with a row without a name. */
extern const struct checkpoint_table checkpoint_of_verdicts[];

#endif
