/* SPDX-License-Identifier: MIT */
/* Drops of users' tunnels: they join the incident, at once or when what came next has shown that they were some. */
#ifndef T3OPS_DIAGNOSIS_DROPS_H
#define T3OPS_DIAGNOSIS_DROPS_H

#include "diagnosis/diagnosis_state.h"

/* late: its end had seemed ordinary.  0 or -ENOMEM. */
int drops_take(struct diagnosis *d, const struct drop *drop, bool late, uint64_t wall_us, uint64_t now_us);
/* Takes those among the ends that waited. */
void drops_decide(struct diagnosis *d, uint64_t now_us);

#endif
