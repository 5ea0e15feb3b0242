/* SPDX-License-Identifier: MIT */
/*
 * The table of services that every process offers its plugins: options, clocks, reports, timers, fetches,
 * commands, users, and services between plugins.  A process adds its own (requests, legs, WebSockets).
 */
#ifndef T3OPS_PLUGIN_HOST_HOST_SERVICES_H
#define T3OPS_PLUGIN_HOST_HOST_SERVICES_H

#include "plugin_host/instance.h"

/* Fills the members that do not depend on the process. */
void host_services_fill(struct t3ops_host *services);
/* Ends every timer, fetch and command of an instance; no callback follows. */
void host_services_release(struct t3ops_instance *i);
/* What an instance of this process provides under that name (t3ops_host.provide); NULL: nobody does. */
const void *host_services_find(const struct plugin_host *h, const char *service);

#endif
