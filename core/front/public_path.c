/* SPDX-License-Identifier: MIT */
/* Reading a path in every way; see public_path.h. */
#include "front/public_path.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static bool has_prefix(struct span path, const json_t *prefixes)
{
	json_t *row;
	size_t i;

	json_array_foreach ((json_t *)(uintptr_t)prefixes, i, row) {
		size_t n = json_string_length(row);

		if (path.len >= n && strncasecmp(path.at, json_string_value(row), n) == 0)
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

/* Percent signs decoded, backslashes taken for slashes, several slashes for one. */
static size_t decode(struct span path, char *out)
{
	size_t n = 0;

	for (size_t i = 0; i < path.len; i++) {
		char c = path.at[i];

		if (c == '%' && i + 2 < path.len && isxdigit((unsigned char)path.at[i + 1]) &&
		    isxdigit((unsigned char)path.at[i + 2])) {
			c = (char)(hex_value(path.at[i + 1]) << 4 | hex_value(path.at[i + 2]));
			i += 2;
		}
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

bool path_is_public(struct span path, const json_t *prefixes)
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
	n = decode(path, work);
	is = has_prefix((struct span){work, n}, prefixes);
	n = resolve(work, n);
	is = is || has_prefix((struct span){work, n}, prefixes);
	free(work);
	return is;
}
