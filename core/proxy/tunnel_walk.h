/* SPDX-License-Identifier: MIT */
/* Looks at all tunnels of a worker, some in each turn of the loop: there may be tens of thousands.  Proxy. */
#ifndef T3OPS_PROXY_TUNNEL_WALK_H
#define T3OPS_PROXY_TUNNEL_WALK_H

#include "proxy/tunnel_state.h"

/* look may free the tunnel, or any other one. */
void tunnel_walk_init(struct tunnel_walk *walk, struct tunnels *all, void (*look)(struct tunnel *t));
void tunnel_walk_fini(struct tunnel_walk *walk);
/* From the first one, once more if it has begun already.  Those that are made later need no look. */
void tunnel_walk_begin(struct tunnel_walk *walk);
bool tunnel_walk_goes_on(const struct tunnel_walk *walk);
/* That one is about to go. */
void tunnel_walk_forget(struct tunnel_walk *walk, const struct tunnel *t);

#endif
