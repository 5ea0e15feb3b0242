/* SPDX-License-Identifier: MIT */
/*
 * What plugins ask t3 servers, over the same pooled connections as requests.  A pooled one that ends before anything
 * of the response came is replaced by a new one, once: a GET may be sent again.  Proxy.
 */
#ifndef T3OPS_PROXY_UPSTREAM_FETCH_H
#define T3OPS_PROXY_UPSTREAM_FETCH_H

#include "plugin_host/user_fetcher.h"

struct worker;
struct upstream_fetches;

/* NULL without memory. */
struct upstream_fetches *upstream_fetches_new(struct worker *worker);
/* Whatever is in progress ends without its callback. */
void upstream_fetches_free(struct upstream_fetches *all);
/* Takes a GET without a body, whose steps nobody wants to know. */
struct user_fetcher upstream_fetches_fetcher(struct upstream_fetches *all);

#endif
