/* SPDX-License-Identifier: MIT */
/* Any path: what some proxy would let through without a sign-in is public.  Three simple proxies are played: one
 * compares what came, one what it decoded, one takes dot segments out of what came. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "proxy/public_path.h"
#include "fuzz.h"

static bool lets_through(const char *path, size_t len)
{
	return len >= 6 && strncasecmp(path, "/probe", 6) == 0;
}

static size_t decoded(const char *path, size_t len, char *out)
{
	size_t n = 0;

	for (size_t i = 0; i < len; i++) {
		char digits[3] = {0};

		if (path[i] == '%' && i + 2 < len && isxdigit((unsigned char)path[i + 1]) &&
		    isxdigit((unsigned char)path[i + 2])) {
			memcpy(digits, path + i + 1, 2);
			out[n++] = (char)strtol(digits, NULL, 16);
			i += 2;
		} else {
			out[n++] = path[i];
		}
	}
	return n;
}

/* Of a path that begins with a slash: segments come and go, each with the slash in front of it. */
static size_t without_dots(const char *path, size_t len, char *out)
{
	size_t n = 0, at = 0;

	while (at < len) {
		size_t end = at + 1;

		while (end < len && path[end] != '/')
			end++;
		if (end - at == 3 && path[at + 1] == '.' && path[at + 2] == '.') {
			do
				n -= n > 0;
			while (n > 0 && out[n] != '/');
		} else if (end - at != 2 || path[at + 1] != '.') {
			memcpy(out + n, path + at, end - at);
			n += end - at;
		}
		at = end;
	}
	return n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *items[] = {(char *)(uintptr_t) "/probe"};
	struct text_list prefixes = {items, 1};
	const char *path = (const char *)data;
	char *work = malloc(size + 1);
	bool is;

	PROMISE(work);
	is = path_is_public((struct span){path, size}, &prefixes);
	PROMISE(is || !lets_through(path, size));
	PROMISE(is || !lets_through(work, decoded(path, size, work)));
	if (size > 0 && path[0] == '/')
		PROMISE(is || !lets_through(work, without_dots(path, size, work)));
	free(work);
	return 0;
}
