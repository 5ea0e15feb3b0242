/* SPDX-License-Identifier: MIT */
/* What caches between may keep; see caching.h. */
#include "proxy/caching.h"

/* ---- paths ----------------------------------------------------------------------------------------- */

static bool is_below(struct span path, const char *prefix)
{
	size_t n = strlen(prefix);

	return path.len >= n && memcmp(path.at, prefix, n) == 0 && (path.len == n || path.at[n] == '/');
}

/* A cache, the edge before us and the t3 server read it alike. */
static bool is_plain(struct span path)
{
	return path.len > 0 && path.at[0] == '/' && !memchr(path.at, '%', path.len) &&
	       !memchr(path.at, '\\', path.len) && !memchr(path.at, ';', path.len) &&
	       !memmem(path.at, path.len, "//", 2) && !memmem(path.at, path.len, "/.", 2);
}

bool caching_path_is_shared(struct span path, const struct text_list *shared)
{
	if (shared->n == 0 || !is_plain(path))
		return false;
	for (size_t i = 0; i < shared->n; i++)
		if (is_below(path, shared->items[i]))
			return true;
	return false;
}

enum caching caching_of(const struct http_head *h, bool shared, bool sets_cookie)
{
	if (sets_cookie)
		return CACHING_NONE;
	return shared && !http_field_find(h, "set-cookie", 0) ? CACHING_AS_SENT : CACHING_PRIVATE;
}

/* ---- fields ---------------------------------------------------------------------------------------- */

/* RFC 9213: the field of a kind of caches, as CDN-Cache-Control or Cloudflare-CDN-Cache-Control. */
static bool is_targeted(struct span name)
{
	static const char end[] = "-cache-control";
	size_t n = sizeof end - 1;

	return name.len > n && strncasecmp(name.at + name.len - n, end, n) == 0;
}

bool caching_is_steering(struct span name)
{
	switch (name.len) {
	case 7:
		return span_is_nocase(name, "expires");
	case 12:
		return span_is_nocase(name, "edge-control");
	case 13:
		return span_is_nocase(name, "cache-control");
	case 15:
		return span_is_nocase(name, "x-accel-expires");
	case 17:
		return span_is_nocase(name, "surrogate-control") || is_targeted(name);
	default:
		return is_targeted(name);
	}
}

/* ---- directives (RFC 9111 5.2) ----------------------------------------------------------------------- */

static const char *blanks_skip(const char *at, const char *end)
{
	while (at < end && (*at == ' ' || *at == '\t'))
		at++;
	return at;
}

static const char *token_skip(const char *at, const char *end)
{
	while (at < end && http_is_token_char((unsigned char)*at))
		at++;
	return at;
}

/* Behind a quoted string (RFC 9110 5.6.4); NULL: it has no end. */
static const char *quoted_skip(const char *at, const char *end)
{
	for (at++; at < end && *at != '"'; at++)
		if (*at == '\\')
			at++;
	return at < end ? at + 1 : NULL;
}

/* Behind "=value"; NULL: it is none. */
static const char *argument_skip(const char *at, const char *end)
{
	const char *from = at + 1;

	if (from < end && *from == '"')
		return quoted_skip(from, end);
	at = token_skip(from, end);
	return at > from ? at : NULL;
}

/* Reads "name" or "name=value", and the comma behind it; an empty element has an empty name.  False: no directive. */
static bool directive_read(const char **at, const char *end, struct span *name, struct span *whole)
{
	const char *from = blanks_skip(*at, end), *to = token_skip(from, end);

	*name = (struct span){from, (size_t)(to - from)};
	if (name->len > 0 && to < end && *to == '=')
		to = argument_skip(to, end);
	if (!to)
		return false;
	*whole = (struct span){from, (size_t)(to - from)};
	to = blanks_skip(to, end);
	if (to < end && *to != ',')
		return false;
	*at = to < end ? to + 1 : end;
	return true;
}

/* What speaks of caches that several people use; we say it ourselves. */
static bool is_ours_to_say(struct span name)
{
	return span_is_nocase(name, "public") || span_is_nocase(name, "private") || span_is_nocase(name, "s-maxage");
}

/* The others of one line.  False: it is not a list of directives, and a cache may read it in its own way. */
static bool directives_add(struct span value, struct buf *out, bool *ok)
{
	const char *at = value.at, *end = value.at + value.len;
	struct span name, whole;

	while (at < end) {
		if (!directive_read(&at, end, &name, &whole))
			return false;
		if (name.len > 0 && !is_ours_to_say(name))
			*ok = *ok && buf_add(out, ", ", 2) && buf_add(out, whole.at, whole.len);
	}
	return true;
}

static bool cache_control_add(const struct http_head *h, struct buf *out)
{
	bool ok = buf_add_text(out, "cache-control: private"), readable = true;

	for (size_t i = 0; i < h->n; i++)
		if (span_is_nocase(h->fields[i].name, "cache-control"))
			readable = directives_add(h->fields[i].value, out, &ok) && readable;
	return ok && buf_add_text(out, readable ? "\r\n" : ", no-store\r\n");
}

/* An answer that names a date until when it is good would be kept by a cache that knows no Cache-Control. */
static bool expires_add(const struct http_head *h, struct buf *out)
{
	return !http_field_find(h, "expires", 0) || buf_add_text(out, "expires: 0\r\n");
}

static bool vary_add(const struct http_head *h, struct buf *out)
{
	return http_list_has(h, "vary", "cookie") || http_list_has(h, "vary", "*") ||
	       buf_add_text(out, "vary: Cookie\r\n");
}

bool caching_add(const struct http_head *h, enum caching caching, struct buf *out)
{
	if (caching == CACHING_AS_SENT)
		return true;
	return (caching == CACHING_NONE ? buf_add_text(out, "cache-control: no-store\r\n")
	                                : cache_control_add(h, out)) &&
	       buf_add_text(out, "cdn-cache-control: no-store\r\n") && expires_add(h, out) && vary_add(h, out);
}
