/* SPDX-License-Identifier: MIT */
/* How long a t3 server may take for requests of some paths (option path_timeouts).  Pure. */
#ifndef T3OPS_PROXY_PATH_TIMEOUT_H
#define T3OPS_PROXY_PATH_TIMEOUT_H

#include <stdbool.h>
#include <stdint.h>

#include "net/http_head.h"

struct path_timeout {
	struct span path;
	uint64_t limit_us;
};

/* Zeroed is empty and valid. */
struct path_timeouts {
	struct path_timeout *rows;
	size_t n;
};

/* Adds "PATH=DURATION", which must live as long.  False: it is not that. */
bool path_timeouts_add(struct path_timeouts *t, const char *text);
void path_timeouts_fini(struct path_timeouts *t);
/* Of the longest path that it is, or is below; 0: there is none. */
uint64_t path_timeout_find(const struct path_timeouts *t, struct span path);

#endif
