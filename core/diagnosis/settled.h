/* SPDX-License-Identifier: MIT */
/*
 * What is settled without tomography: what the host explains, be it that it had no network, echoes of faults that are
 * over, and drops that a fault explains which is known.  Each marks what it settles in j->settled.  has: room for a
 * mark of each observation.
 */
#ifndef T3OPS_DIAGNOSIS_SETTLED_H
#define T3OPS_DIAGNOSIS_SETTLED_H

#include "diagnosis/classification.h"

void settled_by_host(struct classification *j, bool *has);
/* What a leg had begun before a fault was over says nothing new of it when it ends: what it tries next does. */
void settled_echoes(struct classification *j);
void settled_drops(struct classification *j, bool *has);

#endif
