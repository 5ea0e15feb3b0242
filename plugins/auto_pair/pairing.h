/* SPDX-License-Identifier: MIT */
/*
 * Makes sessions: mint a credential, exchange it for a cookie.
 *
 *   pair -> fresh session of that browser | attempt in progress for it | max_per_minute is reached | new attempt
 *   attempt: mint -> endpoint 1 -404-> endpoint 2 ... -> answer to all who wait
 */
#ifndef T3OPS_PLUGINS_AUTO_PAIR_PAIRING_H
#define T3OPS_PLUGINS_AUTO_PAIR_PAIRING_H

#include "auto_pair/user_state.h"

/* Rows of the plugin's metric table. */
enum { METRIC_PAIR, METRIC_PAIR_SECONDS, METRIC_LOOPS, METRIC_SHARED };

struct pairing {
	struct t3ops_ctx *ctx;
	struct user_states *users;
};

/* Its counters exist from now on, at 0. */
void pairing_begin(struct pairing *p);
/* As t3ops_pairing.pair: answers through cb exactly once, perhaps before it returns. */
void pairing_pair(struct pairing *p, const struct t3ops_user *user, const struct t3ops_browser *browser,
                  t3ops_paired_cb cb, void *arg);
/* Whoever still waits is answered. */
void pairing_fini(struct pairing *p);

#endif
