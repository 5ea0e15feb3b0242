/* SPDX-License-Identifier: MIT */
/* The actions that tell what is known of a user's versions, or write down what somebody decided; none moves anybody.
 */
#ifndef T3OPS_PLUGINS_UPGRADE_KNOWN_H
#define T3OPS_PLUGINS_UPGRADE_KNOWN_H

#include "work.h"

/* 0, or -errno with why. */
int known_status(struct work *w);
int known_survey(struct work *w);
int known_verify(struct work *w);
int known_report(struct work *w);
int known_freeze(struct work *w);
int known_unfreeze(struct work *w);
int known_pin(struct work *w);
int known_unpin(struct work *w);

#endif
