/* SPDX-License-Identifier: MIT */
/* Sessions made seconds ago; see fresh.h. */
#include "common/fresh.h"

#include <stdlib.h>
#include <string.h>

/* FNV-1a.  A collision that somebody makes on purpose hands them a session of the same user only: the user's name
 * comes first and is the proxy's word. */
static uint64_t mix(uint64_t hash, const char *text)
{
	for (; text && *text != '\0'; text++)
		hash = (hash ^ (unsigned char)*text) * UINT64_C(0x100000001b3);
	return (hash ^ 0xff) * UINT64_C(0x100000001b3);
}

uint64_t fresh_key(struct t3ops_ctx *ctx, t3ops_request_id r, const char *user)
{
	char address[64] = "";
	uint64_t hash = mix(UINT64_C(0xcbf29ce484222325), user);

	ctx->host->request_address(ctx, r, address, sizeof address);
	hash = mix(hash, address);
	return mix(hash, ctx->host->request_header(ctx, r, "User-Agent"));
}

static void row_clear(struct fresh_row *row)
{
	if (row->set_cookie)
		explicit_bzero(row->set_cookie, strlen(row->set_cookie));
	free(row->set_cookie);
	free(row->cookie_name);
	*row = (struct fresh_row){0};
}

/* Its row, or the one that ends first. */
static struct fresh_row *row_of(struct fresh *f, uint64_t key)
{
	struct fresh_row *first = &f->rows[0];

	for (size_t i = 0; i < FRESH_ROWS; i++) {
		if (f->rows[i].key == key)
			return &f->rows[i];
		if (f->rows[i].until_us < first->until_us)
			first = &f->rows[i];
	}
	return first;
}

const struct fresh_row *fresh_find(struct fresh *f, uint64_t key, uint64_t now_us)
{
	struct fresh_row *row = row_of(f, key);

	if (row->key != key || !row->set_cookie)
		return NULL;
	if (now_us < row->until_us)
		return row;
	row_clear(row);
	return NULL;
}

void fresh_put(struct fresh *f, uint64_t key, const struct t3ops_paired *paired, uint64_t now_us)
{
	struct fresh_row *row = row_of(f, key);

	row_clear(row);
	row->key = key;
	row->until_us = now_us + FRESH_US;
	row->cookie_name = strdup(paired->cookie_name);
	row->set_cookie = strdup(paired->set_cookie);
	if (!row->cookie_name || !row->set_cookie)
		row_clear(row);
}

bool fresh_is_brought(const struct fresh_row *row, const char *cookies)
{
	size_t len = strcspn(row->set_cookie, ";");

	for (const char *at = cookies; at && (at = strstr(at, row->cookie_name)); at++)
		if (strncmp(at, row->set_cookie, len) == 0)
			return true;
	return false;
}

void fresh_fini(struct fresh *f)
{
	for (size_t i = 0; i < FRESH_ROWS; i++)
		row_clear(&f->rows[i]);
}
