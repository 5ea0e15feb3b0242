/* SPDX-License-Identifier: MIT */
/* WebSockets. */
#ifndef T3OPS_TESTHOST_SOCKETS_H
#define T3OPS_TESTHOST_SOCKETS_H

#include "host.h"

void testhost_sockets_fill(struct t3ops_host *s);
size_t testhost_sockets_release(struct testhost *h); /* how many were left */
/* The plugin is the server side. */
struct t3ops_ws *testhost_ws_server(struct testhost *h, const struct t3ops_ws_handler *handler, void *arg);

#endif
