/* SPDX-License-Identifier: MIT */
/* The URL of something at a user's t3 server.  Pure. */
#ifndef T3OPS_PLUGINS_COMMON_T3_URL_H
#define T3OPS_PLUGINS_COMMON_T3_URL_H

#include <stddef.h>
#include <stdint.h>

/* port 0: the t3 server has a Unix socket only, which the host finds by the user's name. */
void t3_url(const char *scheme, const char *host, uint16_t port, const char *path, char *out, size_t size);

#endif
