/* SPDX-License-Identifier: MIT */
/* A chunked body read whole and byte by byte: the same end, the same judgement. */
#include "base/http_chunked.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct chunked whole = {0}, bytes = {0};
	size_t used = chunked_read(&whole, (const char *)data, size), n = 0;

	PROMISE(used <= size);
	PROMISE(used == size || whole.state == CHUNKED_DONE || whole.state == CHUNKED_BAD);
	while (n < size && chunked_read(&bytes, (const char *)data + n, 1) == 1)
		n++;
	PROMISE(n == used && bytes.state == whole.state && bytes.left == whole.left);
	return 0;
}
