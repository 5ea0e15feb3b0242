/* SPDX-License-Identifier: MIT */
/* Reading and changing a Cookie header; see cookies.h. */
#include "common/cookies.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

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

/* With a value. */
static bool is_wanted(const struct cookie *c, const char *name, bool prefix)
{
	size_t len = strlen(name);

	return (prefix ? c->name_len >= len && memcmp(c->at, name, len) == 0 : is_named(c, name)) &&
	       c->len > c->name_len + 1;
}

const char *cookies_next(const char **at, const char *name, bool prefix, size_t *len)
{
	struct cookie c;

	while (cookie_next(at, &c))
		if (is_wanted(&c, name, prefix)) {
			*len = c.len;
			return c.at;
		}
	return NULL;
}

bool cookies_have(const char *header, const char *name, bool prefix)
{
	size_t len;

	return header && cookies_next(&header, name, prefix, &len);
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

/* ---- what a Set-Cookie value says -------------------------------------------------------------------- */

/* The value of an attribute behind the first semicolon, up to the next one; the last of several counts. */
static bool attribute_find(const char *set_cookie, const char *name, const char **at, size_t *len)
{
	size_t name_len = strlen(name);
	bool found = false;

	for (const char *a = strchr(set_cookie, ';'); a; a = strchr(a, ';')) {
		a += 1;
		a += strspn(a, " \t");
		if (strncasecmp(a, name, name_len) != 0 || a[name_len] != '=')
			continue;
		*at = a + name_len + 1;
		*len = strcspn(*at, ";");
		found = true;
	}
	return found;
}

/* "Wed, 21 Oct 2026 07:28:00 GMT", or with dashes. */
static bool date_read(const char *at, size_t len, int64_t *out)
{
	char text[40];
	struct tm tm = {0};

	if (len >= sizeof text)
		return false;
	memcpy(text, at, len);
	text[len] = '\0';
	for (char *c = text; *c != '\0'; c++)
		if (*c == '-')
			*c = ' ';
	if (!strptime(text, " %a, %d %b %Y %H:%M:%S", &tm))
		return false;
	*out = timegm(&tm);
	return true;
}

/* Max-Age decides where there is one, and what cannot be read says nothing. */
static bool is_expired(const char *set_cookie, int64_t wall_s)
{
	const char *at;
	size_t len;
	int64_t expires;

	if (attribute_find(set_cookie, "max-age", &at, &len)) {
		at += strspn(at, " \t");
		return *at == '-' || *at == '0';
	}
	return attribute_find(set_cookie, "expires", &at, &len) && date_read(at, len, &expires) && expires <= wall_s;
}

bool set_cookie_is_live(const char *set_cookie, int64_t wall_s)
{
	size_t name_len = strcspn(set_cookie, "=;"), len;
	const char *value = set_cookie + name_len + 1;

	if (name_len == 0 || set_cookie[name_len] != '=')
		return false;
	len = strcspn(value, ";");
	while (len > 0 && is_blank(value[len - 1]))
		len--;
	return len > 0 && (len != 2 || memcmp(value, "\"\"", 2) != 0) && !is_expired(set_cookie, wall_s);
}
