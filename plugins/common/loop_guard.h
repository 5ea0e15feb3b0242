/* SPDX-License-Identifier: MIT */
/*
 * Notices a browser that is sent to the same page over and over: it comes back each time after it was
 * redirected, still without a cookie that works.  Tabs that ask at once are no loop: they came before
 * the redirect.  Plain struct, one a plugin.
 */
#ifndef T3OPS_PLUGINS_COMMON_LOOP_GUARD_H
#define T3OPS_PLUGINS_COMMON_LOOP_GUARD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "plugin.h"

#define LOOP_ROWS      128
#define LOOP_LIMIT     3
#define LOOP_WINDOW_US (60 * UINT64_C(1000000))

struct loop_row {
	uint64_t key, redirected_us;
	unsigned returns; /* after a redirect, within the window */
};

struct loop_guard {
	struct loop_row rows[LOOP_ROWS];
};

/* Which browser at which page: user, target, User-Agent and forwarded address. */
uint64_t loop_key(struct t3ops_ctx *ctx, t3ops_request_id r, const char *user);
/* It asks for the page; true: it has been redirected there too often already. */
bool loop_guard_asked(struct loop_guard *g, uint64_t key, uint64_t now_us);
/* It is being redirected. */
void loop_guard_redirected(struct loop_guard *g, uint64_t key, uint64_t now_us);

#endif
