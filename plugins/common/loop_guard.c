/* SPDX-License-Identifier: MIT */
/* Notices endless redirects; see loop_guard.h. */
#include "common/loop_guard.h"

/* FNV-1a: the worst that a chosen collision buys is a page that says "wait a minute". */
static uint64_t mix(uint64_t hash, const char *text)
{
	for (; text && *text != '\0'; text++)
		hash = (hash ^ (unsigned char)*text) * UINT64_C(0x100000001b3);
	return (hash ^ 0xff) * UINT64_C(0x100000001b3);
}

uint64_t loop_key(struct t3ops_ctx *ctx, t3ops_request_id r, const char *user)
{
	uint64_t hash = mix(UINT64_C(0xcbf29ce484222325), user);

	hash = mix(hash, ctx->host->request_target(ctx, r));
	hash = mix(hash, ctx->host->request_header(ctx, r, "User-Agent"));
	return mix(hash, ctx->host->request_header(ctx, r, "X-Forwarded-For"));
}

/* Its row, or the one that was used longest ago. */
static struct loop_row *row_of(struct loop_guard *g, uint64_t key)
{
	struct loop_row *oldest = &g->rows[0];

	for (size_t i = 0; i < LOOP_ROWS; i++) {
		if (g->rows[i].key == key)
			return &g->rows[i];
		if (g->rows[i].redirected_us < oldest->redirected_us)
			oldest = &g->rows[i];
	}
	return oldest;
}

bool loop_guard_asked(struct loop_guard *g, uint64_t key, uint64_t now_us)
{
	struct loop_row *row = row_of(g, key);

	if (row->key != key || row->redirected_us == 0)
		return false;
	if (now_us - row->redirected_us > LOOP_WINDOW_US) {
		*row = (struct loop_row){0};
		return false;
	}
	return ++row->returns >= LOOP_LIMIT;
}

void loop_guard_redirected(struct loop_guard *g, uint64_t key, uint64_t now_us)
{
	struct loop_row *row = row_of(g, key);

	if (row->key != key)
		*row = (struct loop_row){.key = key};
	row->redirected_us = now_us;
}
