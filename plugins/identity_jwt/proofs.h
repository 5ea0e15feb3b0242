/* SPDX-License-Identifier: MIT */
/*
 * What tokens have proven, by their SHA-256, until they expire.  A full one forgets who was not seen for longest.  A
 * key that is gone takes all of it along: the owner clears it.  Never holds a token.
 */
#ifndef T3OPS_IDENTITY_JWT_PROOFS_H
#define T3OPS_IDENTITY_JWT_PROOFS_H

#include <stdbool.h>

#include "identity_jwt/claims.h"

#define PROOF_KEY_BYTES 32

struct proofs;

struct proofs *proofs_new(size_t max); /* NULL without memory */
void proofs_free(struct proofs *p);    /* NULL is fine */

void proof_key_make(const char *token, size_t len, uint8_t key[PROOF_KEY_BYTES]);

/* The user whom that token names; NULL: nothing is known, or it has expired.  Valid until the next call. */
const char *proofs_find(struct proofs *p, const uint8_t key[PROOF_KEY_BYTES], int64_t now_s);
/* Whether another one that had not expired had to be forgotten.  Without memory it is not kept. */
bool proofs_add(struct proofs *p, const uint8_t key[PROOF_KEY_BYTES], const struct claims *claims, int64_t now_s);
void proofs_clear(struct proofs *p);
size_t proofs_count(const struct proofs *p);

#endif
