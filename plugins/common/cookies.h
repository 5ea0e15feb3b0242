/* SPDX-License-Identifier: MIT */
/* Reading and changing a Cookie header (RFC 6265 section 5.4).  Pure. */
#ifndef T3OPS_PLUGINS_COMMON_COOKIES_H
#define T3OPS_PLUGINS_COMMON_COOKIES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The next cookie of the header whose name begins like that, or, without prefix, is that name, and that has a value;
 * *at moves on behind it.  NULL at the end; len: of NAME=VALUE. */
const char *cookies_next(const char **at, const char *name, bool prefix, size_t *len);

/* Whether the header (NULL is fine) has a cookie of that name with a value; prefix: whose name only
 * begins like that. */
bool cookies_have(const char *header, const char *name, bool prefix);

/* The header without any cookie of that name, and with NAME=VALUE of a Set-Cookie value in front: t3
 * honours the first of two.  To be freed; NULL without memory. */
char *cookies_replace(const char *header, const char *name, const char *set_cookie);

/* The name in a Set-Cookie value; false if there is none or it does not fit. */
bool set_cookie_name(const char *set_cookie, char *out, size_t size);

/* Whether a browser that is given that Set-Cookie value has a cookie afterwards: it has a value, and has not expired
 * (RFC 6265 5.2, 5.3).  wall_s: now, since 1970. */
bool set_cookie_is_live(const char *set_cookie, int64_t wall_s);

#endif
