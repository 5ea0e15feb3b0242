/* SPDX-License-Identifier: MIT */
/* Reading a path in every way; see public_path.h. */
#include "proxy/public_path.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static bool has_prefix(struct span path, const struct text_list *prefixes)
{
	for (size_t i = 0; i < prefixes->n; i++) {
		size_t n = strlen(prefixes->items[i]);

		if (path.len >= n && strncasecmp(path.at, prefixes->items[i], n) == 0)
			return true;
	}
	return false;
}

/* Can it be read in one way only? */
static bool is_plain(struct span path)
{
	for (size_t i = 0; i < path.len; i++)
		if (path.at[i] == '%' || path.at[i] == '\\' ||
		    (path.at[i] == '/' && i + 1 < path.len && (path.at[i + 1] == '/' || path.at[i + 1] == '.')))
			return false;
	return true;
}

static int hex_value(char c)
{
	return c <= '9' ? c - '0' : tolower((unsigned char)c) - 'a' + 10;
}

/* The byte that begins at path.at[*i], decoded if it is spelt with a percent sign; *i moves to its last one. */
static char byte_decode(struct span path, size_t *i)
{
	const char *at = path.at + *i;

	if (*at != '%' || *i + 2 >= path.len || !isxdigit((unsigned char)at[1]) || !isxdigit((unsigned char)at[2]))
		return *at;
	*i += 2;
	return (char)(hex_value(at[1]) << 4 | hex_value(at[2]));
}

/* Only dots decoded: slashes that are spelt stay part of their segment (RFC 3986 6.2.2.2). */
static size_t dots_decode(struct span path, char *out)
{
	size_t n = 0;

	for (size_t i = 0; i < path.len; i++) {
		size_t last = i;
		char c = byte_decode(path, &last);

		out[n++] = c == '.' ? c : path.at[i];
		i = c == '.' ? last : i;
	}
	return n;
}

/* Everything decoded, backslashes taken for slashes, several slashes for one; out may be the path itself. */
static size_t decode(struct span path, char *out)
{
	size_t n = 0;

	for (size_t i = 0; i < path.len; i++) {
		char c = byte_decode(path, &i);

		if (c == '\\')
			c = '/';
		if (c != '/' || n == 0 || out[n - 1] != '/')
			out[n++] = c;
	}
	return n;
}

/* Takes dot segments out, in place (RFC 3986 5.2.4). */
static size_t resolve(char *path, size_t len)
{
	size_t n = 0;

	for (size_t i = 0; i < len;) {
		const char *slash = memchr(path + i + 1, '/', len - i - 1);
		size_t part = slash ? (size_t)(slash - path) - i : len - i; /* "/segment" */

		if (part == 3 && memcmp(path + i, "/..", 3) == 0) {
			while (n > 0 && path[--n] != '/')
				;
		} else if (part != 2 || memcmp(path + i, "/.", 2) != 0) {
			memmove(path + n, path + i, part);
			n += part;
		}
		i += part;
	}
	return n;
}

/* Decoded, and then resolved. */
static bool is_public_decoded(struct span path, const struct text_list *prefixes, char *work)
{
	size_t n = decode(path, work);

	return has_prefix((struct span){work, n}, prefixes) ||
	       has_prefix((struct span){work, resolve(work, n)}, prefixes);
}

bool path_is_public(struct span path, const struct text_list *prefixes)
{
	char *work;
	size_t n;
	bool is;

	if (has_prefix(path, prefixes))
		return true;
	if (is_plain(path))
		return false;
	work = malloc(path.len);
	if (!work)
		return true;
	is = is_public_decoded(path, prefixes, work);
	if (!is) {
		n = resolve(work, dots_decode(path, work));
		is = is_public_decoded((struct span){work, n}, prefixes, work);
	}
	free(work);
	return is;
}
