/* SPDX-License-Identifier: MIT */
/* The one sentence of a verdict that people read.  Pure. */
#ifndef T3OPS_DIAGNOSIS_SUMMARY_H
#define T3OPS_DIAGNOSIS_SUMMARY_H

#include "diagnosis/classify_input.h"

/* The caller frees it; NULL without memory. */
char *summary_make(const struct verdict_basis *b);

#endif
