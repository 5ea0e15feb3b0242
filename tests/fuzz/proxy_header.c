/* SPDX-License-Identifier: MIT */
/* A header ends where it ends, whatever follows; each part of it alone asks for more. */
#include <string.h>

#include "net/proxy_header.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct proxy_header whole, part;
	enum proxy_header_result result = proxy_header_parse(data, size, &whole);

	if (result == PROXY_HEADER_MORE)
		PROMISE(size < PROXY_HEADER_MAX);
	if (result != PROXY_HEADER_NAMED && result != PROXY_HEADER_UNNAMED)
		return 0;
	PROMISE(whole.len > 0 && whole.len <= size && whole.len <= PROXY_HEADER_MAX);
	PROMISE((whole.source.ss_family != 0) == (result == PROXY_HEADER_NAMED));
	PROMISE(proxy_header_parse(data, whole.len, &part) == result);
	PROMISE(memcmp(&part, &whole, sizeof whole) == 0);
	for (size_t n = 0; n < whole.len; n++)
		PROMISE(proxy_header_parse(data, n, &part) == PROXY_HEADER_MORE);
	return 0;
}
