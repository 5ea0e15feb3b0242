/* SPDX-License-Identifier: MIT */
/* Requests that wait for keys.  As many as the proxy has: it bounds them, and how long each may wait. */
#ifndef T3OPS_IDENTITY_JWT_WAITING_H
#define T3OPS_IDENTITY_JWT_WAITING_H

#include "plugin.h"

/* Zeroed is empty and valid. */
struct waiting {
	t3ops_request_id *ids;
	size_t n, room;
};

bool waiting_add(struct waiting *w, t3ops_request_id r); /* false without memory */
/* All of them; none is left. */
struct waiting waiting_take(struct waiting *w);
void waiting_fini(struct waiting *w);

#endif
