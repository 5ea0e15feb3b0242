/* SPDX-License-Identifier: MIT */
/*
 * Request validation: what a request must not look like, so that the t3 server behind us can never understand it in
 * another way than t3ops did (RFC 9112 section 11.2).  Pure.
 */
#ifndef T3OPS_NET_REQUEST_VALIDATION_H
#define T3OPS_NET_REQUEST_VALIDATION_H

#include "net/http_parse.h"

enum reject_reason {
	REJECT_NONE = 0,
#define REJECT_REASON(id, status, label, sentence) REJECT_##id,
#include "tbl/reject_reason.h"
#undef REJECT_REASON
	REJECT_REASONS
};

/* Why a request is rejected, or REJECT_NONE.  raw: the head's bytes; h and syntax: what http_request_parse made of
 * them; max_fields: the option max_headers. */
enum reject_reason request_validate(const struct http_head *h, enum http_syntax syntax, struct span raw,
                                    size_t max_fields);

int reject_status(enum reject_reason r);
const char *reject_label(enum reject_reason r);
const char *reject_sentence(enum reject_reason r);

/* How a body is delimited. */
enum http_framing { HTTP_BODY_NONE, HTTP_BODY_LENGTH, HTTP_BODY_CHUNKED, HTTP_BODY_UNTIL_CLOSE, HTTP_BODY_BAD };

/* Of a request that passed request_validate. */
enum http_framing http_request_framing(const struct http_head *h, uint64_t *length);
/* Of a response to a request with that method (RFC 9112 6.3).  BAD: contradictory. */
enum http_framing http_response_framing(const struct http_head *h, struct span method, uint64_t *length);

#endif
