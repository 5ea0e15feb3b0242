/* SPDX-License-Identifier: MIT */
/* Reading and changing a Cookie header; see cookies.h. */
#include "common/cookies.h"

#include <stdlib.h>
#include <string.h>

/* One NAME=VALUE of the header. */
struct cookie {
	const char *at;
	size_t len, name_len;
};

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* The cookie at *at, which moves on behind it; false at the end. */
static bool cookie_next(const char **at, struct cookie *out)
{
	const char *start = *at, *equals;

	while (is_blank(*start) || *start == ';')
		start++;
	if (*start == '\0')
		return false;
	out->at = start;
	out->len = strcspn(start, ";");
	*at = start + out->len;
	while (out->len > 0 && is_blank(start[out->len - 1]))
		out->len--;
	equals = memchr(start, '=', out->len);
	out->name_len = equals ? (size_t)(equals - start) : out->len;
	return true;
}

static bool is_named(const struct cookie *c, const char *name)
{
	return c->name_len == strlen(name) && memcmp(c->at, name, c->name_len) == 0;
}

bool cookies_have(const char *header, const char *name, bool prefix)
{
	size_t len = strlen(name);
	struct cookie c;

	while (header && cookie_next(&header, &c))
		if ((prefix ? c.name_len >= len && memcmp(c.at, name, len) == 0 : is_named(&c, name)) &&
		    c.len > c.name_len + 1)
			return true;
	return false;
}

char *cookies_replace(const char *header, const char *name, const char *set_cookie)
{
	size_t pair_len = strcspn(set_cookie, ";"), old_len = header ? strlen(header) : 0;
	char *out = malloc(pair_len + 2 * old_len + 3), *end = out;
	struct cookie c;

	if (!out)
		return NULL;
	memcpy(end, set_cookie, pair_len);
	end += pair_len;
	while (header && cookie_next(&header, &c)) {
		if (is_named(&c, name))
			continue;
		memcpy(end, "; ", 2);
		memcpy(end + 2, c.at, c.len);
		end += 2 + c.len;
	}
	*end = '\0';
	return out;
}

bool set_cookie_name(const char *set_cookie, char *out, size_t size)
{
	size_t len = strcspn(set_cookie, "=;");

	if (len == 0 || len >= size || set_cookie[len] != '=')
		return false;
	memcpy(out, set_cookie, len);
	out[len] = '\0';
	return true;
}
