/* SPDX-License-Identifier: MIT */
/* The services that concern a request or a WebSocket of the proxy, as plugins call them (plugin.h).  A request is
 * known to plugins by an id that goes stale.  Proxy. */
#ifndef T3OPS_PROXY_REQUEST_SERVICES_H
#define T3OPS_PROXY_REQUEST_SERVICES_H

struct t3ops_host;

/* They find the worker as the process's state. */
void request_services_fill(struct t3ops_host *services);

#endif
