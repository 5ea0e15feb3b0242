/* SPDX-License-Identifier: MIT */
/* Whether the far end of a leg answers at an address: one WebSocket that is closed as soon as it is open. */
#ifndef T3OPS_PLUGINS_PROBE_CLOUDFLARE_TRIAL_H
#define T3OPS_PLUGINS_PROBE_CLOUDFLARE_TRIAL_H

#include "plugin.h"

enum trial_result {
	TRIAL_WORKS,   /* it is open, or a sign-in page is in its way */
	TRIAL_FAILS,   /* nobody answers there, or somebody else */
	TRIAL_UNKNOWN, /* whoever answers seems to be the right one, and something behind it fails; or we do */
};

/* Zeroed: none runs. */
struct trial {
	struct t3ops_ctx *ctx;
	struct t3ops_ws *ws; /* NULL: none runs */
	void (*done)(void *arg, enum trial_result result, const char *why);
	void *arg;
};

/* done comes from the loop, once, unless trial_close is called; it may begin the next one. */
void trial_begin(struct trial *t, struct t3ops_ctx *ctx, const struct t3ops_ws_open *open,
                 void (*done)(void *arg, enum trial_result result, const char *why), void *arg);
void trial_close(struct trial *t);

#endif
