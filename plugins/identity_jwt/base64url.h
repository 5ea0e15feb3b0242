/* SPDX-License-Identifier: MIT */
/* What base64url can be (RFC 4648 5), without padding: the library asserts it of what it decodes. */
#ifndef T3OPS_IDENTITY_JWT_BASE64URL_H
#define T3OPS_IDENTITY_JWT_BASE64URL_H

#include <stdbool.h>
#include <stddef.h>

/* Nothing at all is none. */
static inline bool base64url_valid(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		char c = text[i];

		if (!((c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' ||
		      c == '_'))
			return false;
	}
	return len > 0 && len % 4 != 1;
}

#endif
