/* SPDX-License-Identifier: MIT */
/* A chunked body read whole and byte by byte: the same end, the same result.  What was found good
 * ends where a careless reader behind us would have it end, too. */
#include <stdlib.h>
#include <string.h>

#include "net/http_chunked.h"
#include "fuzz.h"

/* What follows the next LF; 0: there is none. */
static size_t line_next(const uint8_t *data, size_t size, size_t at)
{
	const uint8_t *lf = memchr(data + at, '\n', size - at);

	return lf ? (size_t)(lf - data) + 1 : 0;
}

/* Lines end in LF, sizes are what strtoull makes of them, the last trailer is followed by an empty line. */
static size_t careless_end(const uint8_t *data, size_t size)
{
	unsigned long long left = 1;
	size_t at = 0, line;

	while (left > 0) {
		left = strtoull((const char *)data + at, NULL, 16);
		at = line_next(data, size, at);
		if (at == 0 || left > size - at)
			return 0;
		at = left > 0 ? line_next(data, size, at + (size_t)left) : at;
	}
	do {
		line = at;
		at = line_next(data, size, line);
	} while (at > line && data[line] != '\n' && data[line] != '\r');
	return at;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct chunked whole = {0}, bytes = {0};
	size_t used = chunked_read(&whole, (const char *)data, size), n = 0;

	PROMISE(used <= size);
	PROMISE(used == size || whole.state == CHUNKED_DONE || whole.state == CHUNKED_BAD);
	while (n < size && chunked_read(&bytes, (const char *)data + n, 1) == 1)
		n++;
	PROMISE(n == used && bytes.state == whole.state && bytes.left == whole.left);
	PROMISE(whole.state != CHUNKED_DONE || careless_end(data, size) == used);
	return 0;
}
