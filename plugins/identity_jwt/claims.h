/* SPDX-License-Identifier: MIT */
/* What a token whose signature is good says (RFC 7519): whether it counts, here and now, and whom it names.  Pure. */
#ifndef T3OPS_IDENTITY_JWT_CLAIMS_H
#define T3OPS_IDENTITY_JWT_CLAIMS_H

#include <stddef.h>
#include <stdint.h>

#include "identity_jwt/jwt_fault.h"
#include "plugin.h"

struct claim_rules {
	const char *issuer;
	const char *const *audiences; /* NULL-terminated: one of them */
	const char *user;             /* the claim that names the user */
	int64_t leeway_s;
};

struct claims {
	char user[T3OPS_USER_NAME_SIZE];
	int64_t expires_s; /* since 1970, leeway included: what is proven is not any more */
};

/* JWT_PROVEN, and *out; or why not. */
enum jwt_fault claims_check(const char *text, size_t len, const struct claim_rules *rules, int64_t now_s,
                            struct claims *out);

#endif
