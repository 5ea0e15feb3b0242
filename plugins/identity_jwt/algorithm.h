/* SPDX-License-Identifier: MIT */
/* The algorithms of RFC 7518 that the library verifies, as bits of a set. */
#ifndef T3OPS_IDENTITY_JWT_ALGORITHM_H
#define T3OPS_IDENTITY_JWT_ALGORITHM_H

#include <cjose/cjose.h>
#include <stddef.h>
#include <stdint.h>

/* The bit of that name; 0: there is no such algorithm ("none" is none). */
uint32_t algorithm_bit(const char *name);
/* Those that a key of that kind can be used with; curve: of an EC key. */
uint32_t algorithm_of_key(cjose_jwk_kty_t kind, cjose_jwk_ec_curve curve);
/* "RS256 ES256", of a set. */
void algorithm_names(uint32_t bits, char *out, size_t size);

#endif
