/* SPDX-License-Identifier: MIT */
/*
 * Sessions that were made seconds ago.  Chrome sends the tabs of one URL one after another, each with the cookies of
 * before; they are handed the session of the first instead of one each.  Plain struct, one a plugin.
 */
#ifndef T3OPS_PLUGINS_COMMON_FRESH_H
#define T3OPS_PLUGINS_COMMON_FRESH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "plugin.h"

#define FRESH_ROWS 128 /* browsers at once; one that finds no row is paired anew */
#define FRESH_US   UINT64_C(15000000)

struct fresh_row {
	uint64_t key, until_us;
	char *cookie_name, *set_cookie;
};

struct fresh {
	struct fresh_row rows[FRESH_ROWS];
};

/* Which browser: user, User-Agent and address. */
uint64_t fresh_key(struct t3ops_ctx *ctx, t3ops_request_id r, const char *user);
/* NULL: none was made for it lately.  Valid until the next call. */
const struct fresh_row *fresh_find(struct fresh *f, uint64_t key, uint64_t now_us);
void fresh_put(struct fresh *f, uint64_t key, const struct t3ops_paired *paired, uint64_t now_us);
/* Whether the Cookie header brings that session already. */
bool fresh_is_brought(const struct fresh_row *row, const char *cookies);
/* Forgets all. */
void fresh_fini(struct fresh *f);

#endif
