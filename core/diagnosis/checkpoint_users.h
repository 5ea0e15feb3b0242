/* SPDX-License-Identifier: MIT */
/* Checkpoint of users' tunnels and pages; see checkpoint.h. */
#ifndef T3OPS_DIAGNOSIS_CHECKPOINT_USERS_H
#define T3OPS_DIAGNOSIS_CHECKPOINT_USERS_H

#include "diagnosis/checkpoint_table.h"

/* Ends with a row without a name. */
extern const struct checkpoint_table checkpoint_of_users[];

#endif
