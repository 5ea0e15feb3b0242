/* SPDX-License-Identifier: MIT */
/* Bodies that pass; see body.h. */
#include "proxy/body.h"

size_t body_take(struct body *b, const char *bytes, size_t n)
{
	size_t take = n;

	switch (b->framing) {
	case HTTP_BODY_LENGTH:
		take = b->left < n ? (size_t)b->left : n;
		b->left -= take;
		b->done = b->left == 0;
		return take;
	case HTTP_BODY_CHUNKED:
		take = chunked_read(&b->chunked, bytes, n);
		b->done = b->chunked.state == CHUNKED_DONE;
		return take;
	case HTTP_BODY_UNTIL_CLOSE:
		return n;
	default:
		b->done = true;
		return 0;
	}
}

size_t body_take_data(struct body *b, char *bytes, size_t n, size_t *data)
{
	size_t take = chunked_decode(&b->chunked, bytes, n, data);

	b->done = b->chunked.state == CHUNKED_DONE;
	return take;
}

bool body_is_bad(const struct body *b)
{
	return b->framing == HTTP_BODY_CHUNKED && b->chunked.state == CHUNKED_BAD;
}
