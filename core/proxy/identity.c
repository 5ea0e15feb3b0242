/* SPDX-License-Identifier: MIT */
/* Reading the identity header; see identity.h. */
#include "proxy/identity.h"

#include <string.h>

static bool value_take(struct span value, bool strip_domain, char out[64])
{
	const char *sign = strip_domain ? memchr(value.at, '@', value.len) : NULL;
	size_t len = sign ? (size_t)(sign - value.at) : value.len;

	if (len == 0 || len >= 64)
		return false;
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)value.at[i] <= ' ' || value.at[i] == 0x7f || strchr("\"\\/,;", value.at[i]))
			return false;
	memcpy(out, value.at, len);
	out[len] = '\0';
	return true;
}

enum identity_result identity_find(const struct http_head *h, struct span name, bool trusted, bool strip_domain,
                                   char out[64])
{
	const struct http_field *found = NULL;
	size_t n = 0;

	out[0] = '\0';
	for (size_t i = 0; i < h->n; i++)
		if (identity_is_named(h->fields[i].name, name)) {
			found = &h->fields[i];
			n++;
		}
	if (n == 0)
		return IDENTITY_NONE;
	if (!trusted)
		return IDENTITY_IGNORED;
	if (n > 1 || !span_is_nocase(found->name, name.at) || http_list_has(h, "connection", name.at))
		return IDENTITY_REFUSED;
	if (found->value.len == 0)
		return IDENTITY_NONE; /* the proxy says that nobody is signed in */
	return value_take(found->value, strip_domain, out) ? IDENTITY_FOUND : IDENTITY_REFUSED;
}
