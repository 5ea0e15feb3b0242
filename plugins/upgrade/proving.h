/* SPDX-License-Identifier: MIT */
/* Whether a user may have the next version: which one it is, and what the gate found of it.  Moves nobody. */
#ifndef T3OPS_PLUGINS_UPGRADE_PROVING_H
#define T3OPS_PLUGINS_UPGRADE_PROVING_H

#include <stdbool.h>

#include "work.h"

/* All of them: 0, or -errno with the reason in w->why. */

/* Which one it is (candidate.h); it is there then. */
int proving_candidate(struct work *w, char out[PATH_MAX]);
/* The candidate goes through the gate. */
int proving_prove(struct work *w, const char *candidate);
/* The same, found first; what was rejected before is not tried again unasked. */
int proving_check(struct work *w, char candidate[PATH_MAX]);
/* Whether the last check was of it and of the same installed version. */
bool proving_is_accepted(const struct work *w, const char *candidate);
/* Whether the action is only to say what it would do; then: what a check or a run would do, as a row. */
bool proving_is_dry(const struct work *w);
int proving_plan_report(struct work *w, const char *then);
/* The action check. */
int proving_action(struct work *w);

#endif
