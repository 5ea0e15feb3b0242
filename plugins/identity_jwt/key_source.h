/* SPDX-License-Identifier: MIT */
/*
 * Where the keys come from: jwks_url, fetched at the start, before it grows old, and when a token names a key that is
 * not known; jwks_file, or secret_file, read at the start and when it has changed.  Keys stay until there are others:
 * an issuer that is down locks nobody out.
 */
#ifndef T3OPS_IDENTITY_JWT_KEY_SOURCE_H
#define T3OPS_IDENTITY_JWT_KEY_SOURCE_H

#include "identity_jwt/key_set.h"
#include "plugin.h"

struct key_source;

/* What the options say, already checked; changed comes when there are other keys, tried when somebody who waits for
 * them (key_source_ask) has waited long enough.  NULL: without memory, or after an option_fault. */
struct key_source *key_source_new(struct t3ops_ctx *ctx, uint32_t algorithms, void (*changed)(struct t3ops_ctx *ctx),
                                  void (*tried)(struct t3ops_ctx *ctx));
void key_source_start(struct key_source *s);
void key_source_free(struct key_source *s); /* NULL is fine */

/* NULL: none are known yet. */
const struct key_set *key_source_keys(const struct key_source *s);
/* A key is missing: whether they are being fetched, so that `tried` follows.  At most once in five seconds. */
bool key_source_ask(struct key_source *s);

#endif
