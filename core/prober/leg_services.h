/* SPDX-License-Identifier: MIT */
/* The services leg_user to leg_resolver. */
#ifndef T3OPS_PROBER_LEG_SERVICES_H
#define T3OPS_PROBER_LEG_SERVICES_H

#include "plugin.h"

void leg_services_fill(struct t3ops_host *services);

#endif
