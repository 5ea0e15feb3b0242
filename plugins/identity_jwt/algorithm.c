/* SPDX-License-Identifier: MIT */
/* One table; see algorithm.h. */
#include "identity_jwt/algorithm.h"

#include <stdio.h>
#include <string.h>

static const struct {
	const char *name;
	cjose_jwk_kty_t kind;
	cjose_jwk_ec_curve curve;
} rows[] = {
    {"RS256", CJOSE_JWK_KTY_RSA, 0},
    {"RS384", CJOSE_JWK_KTY_RSA, 0},
    {"RS512", CJOSE_JWK_KTY_RSA, 0},
    {"PS256", CJOSE_JWK_KTY_RSA, 0},
    {"PS384", CJOSE_JWK_KTY_RSA, 0},
    {"PS512", CJOSE_JWK_KTY_RSA, 0},
    {"ES256", CJOSE_JWK_KTY_EC, CJOSE_JWK_EC_P_256},
    {"ES384", CJOSE_JWK_KTY_EC, CJOSE_JWK_EC_P_384},
    {"ES512", CJOSE_JWK_KTY_EC, CJOSE_JWK_EC_P_521},
    {"HS256", CJOSE_JWK_KTY_OCT, 0},
    {"HS384", CJOSE_JWK_KTY_OCT, 0},
    {"HS512", CJOSE_JWK_KTY_OCT, 0},
};

#define ROWS (sizeof rows / sizeof rows[0])

uint32_t algorithm_bit(const char *name)
{
	for (size_t i = 0; i < ROWS; i++)
		if (strcmp(rows[i].name, name) == 0)
			return UINT32_C(1) << i;
	return 0;
}

uint32_t algorithm_of_key(cjose_jwk_kty_t kind, cjose_jwk_ec_curve curve)
{
	uint32_t bits = 0;

	for (size_t i = 0; i < ROWS; i++)
		if (rows[i].kind == kind && (kind != CJOSE_JWK_KTY_EC || rows[i].curve == curve))
			bits |= UINT32_C(1) << i;
	return bits;
}

void algorithm_names(uint32_t bits, char *out, size_t size)
{
	size_t used = 0;

	out[0] = '\0';
	for (size_t i = 0; i < ROWS; i++)
		if ((bits & UINT32_C(1) << i) != 0 && used < size)
			used += (size_t)snprintf(out + used, size - used, "%s%s", used > 0 ? " " : "", rows[i].name);
}
