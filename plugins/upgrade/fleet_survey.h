/* SPDX-License-Identifier: MIT */
/*
 * Who is there, and whose turn it is.  One answer of the jobs process holds 64 KiB: users of whom more is to be said
 * are asked about in parts (part.h), twice as many whenever one does not fit.
 */
#ifndef T3OPS_PLUGINS_UPGRADE_FLEET_SURVEY_H
#define T3OPS_PLUGINS_UPGRADE_FLEET_SURVEY_H

#include "fleet_state.h"

/* The work of SURVEYING. */
void fleet_survey(struct fleet *f);
/* The state that follows from what is known of the users. */
void fleet_next(struct fleet *f);

#endif
