/* SPDX-License-Identifier: MIT */
/* The options of a section, and what they mean together. */
#ifndef T3OPS_IDENTITY_JWT_OPTIONS_H
#define T3OPS_IDENTITY_JWT_OPTIONS_H

#include "identity_jwt/claims.h"

#define JWT_OPTION_ROWS 14

extern const struct t3ops_option jwt_option_rows[JWT_OPTION_ROWS];

struct jwt_options {
	const char *header;
	uint32_t algorithms;
	struct claim_rules rules;
	const char **audiences; /* those of rules */
};

/* 0, or -EINVAL after an option_fault, or -ENOMEM. */
int jwt_options_read(struct t3ops_ctx *ctx, struct jwt_options *out);
void jwt_options_fini(struct jwt_options *o);

#endif
