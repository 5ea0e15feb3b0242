/* SPDX-License-Identifier: MIT */
/*
 * A token: a JWT in compact form (RFC 7515 7.1).  Which key and algorithm are believed is the configuration's to say,
 * never the token's: of its header only "alg" and "kid" are read, to choose among what is allowed.  Pure; verifying
 * a signature takes some 50 us, so what was proven is kept (proofs.h).
 */
#ifndef T3OPS_IDENTITY_JWT_TOKEN_H
#define T3OPS_IDENTITY_JWT_TOKEN_H

#include "identity_jwt/claims.h"
#include "identity_jwt/key_set.h"

#define TOKEN_MAX 8192

/* JWT_KEY: perhaps the issuer has a new key.  Never JWT_NO_KEYS. */
enum jwt_fault token_check(const char *token, size_t len, const struct key_set *keys, uint32_t algorithms,
                           const struct claim_rules *rules, int64_t now_s, struct claims *out);

#endif
