/* SPDX-License-Identifier: MIT */
/* The services timer_start and timer_stop. */
#ifndef T3OPS_PLUGIN_HOST_HOST_TIMERS_H
#define T3OPS_PLUGIN_HOST_HOST_TIMERS_H

#include "plugin_host/instance.h"

void host_timers_fill(struct t3ops_host *services);
/* Stops every timer of the instance. */
void host_timers_release(struct t3ops_instance *i);

#endif
