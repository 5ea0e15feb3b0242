/* SPDX-License-Identifier: MIT */
/*
 * When a round of evidence is judged: as soon as every leg that matters has reported and nothing more is to be
 * awaited, at the latest when its time is up.  Decides; changes nothing.
 */
#ifndef T3OPS_DIAGNOSIS_ROUND_DUE_H
#define T3OPS_DIAGNOSIS_ROUND_DUE_H

#include "diagnosis/diagnosis_state.h"

/* When the open round may be judged as things are now. */
uint64_t round_due_us(const struct diagnosis *d);
/* When everything is to be asked once more; UINT64_MAX: not now. */
uint64_t round_ask_due_us(const struct diagnosis *d);

#endif
