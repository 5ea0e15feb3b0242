/* SPDX-License-Identifier: MIT */
/*
 * Old proxies that drain: one slow request holds each, and every reload adds some, so there is a bound
 * (max_draining). Supervisor only.
 */
#ifndef T3OPS_SUPERVISOR_DRAINS_H
#define T3OPS_SUPERVISOR_DRAINS_H

#include "supervisor/supervisor_state.h"

/* t3ops_proxies_draining, and the counter of those that were stopped for the bound, from 0. */
void drains_show(const struct supervisor *s);
/* Stops the oldest ones beyond the bound. */
void drains_bound(struct supervisor *s);

#endif
