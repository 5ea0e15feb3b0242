/* SPDX-License-Identifier: MIT */
/* A response's head from any bytes, and how its body would be delimited. */
#include "net/request_validation.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t seen = 0, len = 0;
	uint64_t length = 0;
	struct http_head h;

	if (http_head_scan((const char *)data, size, &seen, &len) != HTTP_SCAN_DONE)
		return 0;
	if (http_response_parse(&h, (const char *)data, len) != HTTP_SYNTAX_OK)
		return 0;
	PROMISE(h.n <= HTTP_FIELDS_MAX);
	if (http_response_framing(&h, (struct span){"GET", 3}, &length) == HTTP_BODY_LENGTH)
		PROMISE(length > 0);
	PROMISE(http_response_framing(&h, (struct span){"HEAD", 4}, &length) == HTTP_BODY_NONE);
	return 0;
}
