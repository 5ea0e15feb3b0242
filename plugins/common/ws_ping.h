/* SPDX-License-Identifier: MIT */
/* A page's heartbeat, once: a WebSocket to a t3 server of a rehearsal, {"_tag":"Ping"}, its answer, an orderly close.
 * Blocks. */
#ifndef T3OPS_PLUGINS_COMMON_WS_PING_H
#define T3OPS_PLUGINS_COMMON_WS_PING_H

#include <stddef.h>
#include <stdint.h>

/* cookie: NAME=VALUE.  The answer in out; 0, or -errno with one line in why. */
int ws_ping(const char *host, uint16_t port, const char *cookie, int timeout_s, char *out, size_t size, char *why,
            size_t why_size);

#endif
