/* SPDX-License-Identifier: MIT */
/* What people ask of a rollout: run begins one, progress tells of it. */
#ifndef T3OPS_PLUGINS_UPGRADE_FLEET_ASK_H
#define T3OPS_PLUGINS_UPGRADE_FLEET_ASK_H

#include "fleet_state.h"

/* As fleet_act. */
int fleet_ask(struct fleet *f, const char *action);

#endif
