/* SPDX-License-Identifier: MIT */
/* The WebSocket services of the prober: struct t3ops_ws is a wsclient and the plugin's handler. */
#ifndef T3OPS_PROBER_LEG_WS_H
#define T3OPS_PROBER_LEG_WS_H

#include "plugin_host/instance.h"

/* Whether it has one that carries no leg's heartbeats, but something new. */
bool leg_ws_asks(const struct t3ops_instance *i);
/* Whether the next hop has taken all that was sent over it.  False: it is not known. */
bool leg_ws_acknowledged(const struct t3ops_ws *ws, bool *acknowledged);
/* The leg is gone. */
void leg_ws_forget(struct t3ops_leg *leg);
void leg_ws_services_fill(struct t3ops_host *services);

#endif
