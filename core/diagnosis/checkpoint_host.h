/* SPDX-License-Identifier: MIT */
/* Checkpoint of the host, of the open incident and of the round of evidence; see checkpoint.h. */
#ifndef T3OPS_DIAGNOSIS_CHECKPOINT_HOST_H
#define T3OPS_DIAGNOSIS_CHECKPOINT_HOST_H

#include "diagnosis/checkpoint_table.h"

/* Ends with a row without a name. */
extern const struct checkpoint_table checkpoint_of_host[];

/* What a recording has of the host, too: struct pressure, struct host_event. */
extern const struct field fields_of_pressure[], fields_of_host_event[];

#endif
