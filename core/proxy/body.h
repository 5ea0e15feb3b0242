/* SPDX-License-Identifier: MIT */
/* How much of a message's body is still to come; its bytes pass as they are.  Pure. */
#ifndef T3OPS_PROXY_BODY_H
#define T3OPS_PROXY_BODY_H

#include "net/http_chunked.h"
#include "net/request_validation.h"

/* Zeroed, with framing and length set, is ready. */
struct body {
	enum http_framing framing;
	uint64_t left; /* of HTTP_BODY_LENGTH */
	struct chunked chunked;
	bool done;
};

/* How many of n bytes belong to the body; it is done, or bad, when that is less. */
size_t body_take(struct body *b, const char *bytes, size_t n);
/* The same of HTTP_BODY_CHUNKED; moves what the chunks hold to the front of bytes, *data of them. */
size_t body_take_data(struct body *b, char *bytes, size_t n, size_t *data);
/* Its chunks are not well formed. */
bool body_is_bad(const struct body *b);

#endif
