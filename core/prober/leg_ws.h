/* SPDX-License-Identifier: MIT */
/* The WebSocket services of the prober: struct t3ops_ws is a wsclient and the plugin's handler. */
#ifndef T3OPS_PROBER_LEG_WS_H
#define T3OPS_PROBER_LEG_WS_H

#include "plugin.h"

void leg_ws_services_fill(struct t3ops_host *services);

#endif
