/* SPDX-License-Identifier: MIT */
/*
 * The plugins' turn: calls on_request of each in the order of the sections, and gives them the
 * services that concern a request.  A request is known to plugins by an id that goes stale.  Proxy.
 */
#ifndef T3OPS_PROXY_FILTER_CHAIN_H
#define T3OPS_PROXY_FILTER_CHAIN_H

#include "proxy/exchange.h"

/* Where ids live. */
struct request_slot {
	struct exchange *exchange;
	uint32_t generation;
};

bool filter_chain_register(struct exchange *x); /* gives x its id; false without memory */
void filter_chain_forget(struct exchange *x);   /* its id is stale from here on */
/* Goes on with the next plugin, at last with exchange_forward. */
void filter_chain_run(struct exchange *x);
/* The name of the plugin that keeps it waiting. */
const char *filter_chain_waits_for(const struct exchange *x);

void filter_chain_services_fill(struct t3ops_host *services);
void filter_chain_free(struct proxy *f);

#endif
