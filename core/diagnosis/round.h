/* SPDX-License-Identifier: MIT */
/*
 * Rounds of evidence.  What breaks opens one, or joins it; everything is asked what works since; when it is due
 * (round_due.h), all that is known is classified.
 */
#ifndef T3OPS_DIAGNOSIS_ROUND_H
#define T3OPS_DIAGNOSIS_ROUND_H

#include "diagnosis/diagnosis_state.h"

/* Something broke at mono_us, and had certainly begun to at began_us: joins the open incident, or opens one, and asks
 * what works since. */
void round_broke(struct diagnosis *d, uint64_t began_us, uint64_t wall_us, uint64_t mono_us, uint64_t now_us);
/* More is known of what broke: judged again soon. */
void round_evidence(struct diagnosis *d, uint64_t now_us);
/* Everything is asked, users who are hurt first. */
void round_ask(struct diagnosis *d, uint64_t now_us);
/* Judges, and closes the round.  0, or -ENOMEM: verdicts are missing. */
int round_classify(struct diagnosis *d, uint64_t now_us);

#endif
