/* SPDX-License-Identifier: MIT */
/*
 * Reads heads of HTTP/1.1 messages (RFC 9112), strictly: a line that two readers could take in two ways is an error
 * that says what is wrong with it.  What passes and what does not is decided here and in request_validation.h alone,
 * so it is the same with every llhttp; llhttp only confirms what was read (http_confirm.h).  Pure, any process.
 */
#ifndef T3OPS_NET_HTTP_PARSE_H
#define T3OPS_NET_HTTP_PARSE_H

#include "net/http_head.h"

enum http_syntax {
	HTTP_SYNTAX_OK,
	HTTP_SYNTAX_BAD,         /* not a head of HTTP */
	HTTP_SYNTAX_METHOD,      /* one that we do not know */
	HTTP_SYNTAX_VERSION,     /* not 1.0 or 1.1 */
	HTTP_SYNTAX_MANY,        /* more than HTTP_FIELDS_MAX fields */
	HTTP_SYNTAX_FOLDED,      /* a field that goes on in a second line */
	HTTP_SYNTAX_FIELD_NAME,  /* none, or not a token */
	HTTP_SYNTAX_FIELD_VALUE, /* a control character in it */
	HTTP_SYNTAX_FRAMING,     /* of a response: lengths that contradict each other */
};

/* Reads a whole head as http_head_scan found it; spans point into bytes.  If it is not OK, h holds what was read
 * before the error. */
enum http_syntax http_request_parse(struct http_head *h, const char *bytes, size_t len);
enum http_syntax http_response_parse(struct http_head *h, const char *bytes, size_t len);

#endif
