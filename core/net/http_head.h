/* SPDX-License-Identifier: MIT */
/*
 * Heads of HTTP/1.1 messages (RFC 9112): where one ends, and its fields as spans of the bytes it was
 * read from.  llhttp does the parsing; what a request must not look like beyond that is request_validate.h's.
 * Pure, any process.
 */
#ifndef T3OPS_NET_HTTP_HEAD_H
#define T3OPS_NET_HTTP_HEAD_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <strings.h>
#include <stdint.h>

#define HTTP_FIELDS_MAX 256

struct span {
	const char *at;
	size_t len;
};

struct http_field {
	struct span name, value; /* value without surrounding white space */
};

struct http_head {
	struct span method, target; /* request */
	int status;                 /* response */
	unsigned minor;             /* HTTP/1.minor */
	struct http_field fields[HTTP_FIELDS_MAX];
	size_t n;
};

enum http_scan { HTTP_SCAN_MORE, HTTP_SCAN_DONE, HTTP_SCAN_BAD };

/* Looks for the empty line that ends a head; *seen is where to go on (0 at first).  DONE: *len is
 * the head's length, its last CRLF included.  BAD: a bare CR or LF, or a NUL. */
enum http_scan http_head_scan(const char *bytes, size_t n, size_t *seen, size_t *len);

enum http_syntax {
	HTTP_SYNTAX_OK,
	HTTP_SYNTAX_BAD,
	HTTP_SYNTAX_METHOD,  /* not one that llhttp knows */
	HTTP_SYNTAX_VERSION, /* not 1.0 or 1.1 */
	HTTP_SYNTAX_MANY,    /* more than HTTP_FIELDS_MAX fields */
	HTTP_SYNTAX_FRAMING, /* lengths that contradict each other */
};

/* Parses a whole head as http_head_scan found it; spans point into bytes. */
enum http_syntax http_request_parse(struct http_head *h, const char *bytes, size_t len);
enum http_syntax http_response_parse(struct http_head *h, const char *bytes, size_t len);

/* First field of that name from index `from` on; NULL: none. */
const struct http_field *http_field_find(const struct http_head *h, const char *name, size_t from);
size_t http_field_count(const struct http_head *h, const char *name);
/* Makes one of several fields of that name, where the first one stands; empty ones add nothing.  Its value is a new
 * string in *joined, for free() when the head is not used any more; NULL if there was nothing to join.  False
 * without memory; the head is then as before. */
bool http_fields_join(struct http_head *h, const char *name, const char *separator, char **joined);
/* Whether a list field ("Connection: a, b") holds the token, in any of its lines. */
bool http_list_has(const struct http_head *h, const char *name, const char *token);

/* Inline, for the length of a literal is then known: most comparisons end there. */
static inline bool span_is(struct span s, const char *text) /* exactly */
{
	return strlen(text) == s.len && memcmp(s.at, text, s.len) == 0;
}
static inline bool span_is_nocase(struct span s, const char *text) /* ASCII case aside */
{
	return strlen(text) == s.len && strncasecmp(s.at, text, s.len) == 0;
}
/* A request that asks to become a WebSocket (RFC 6455 4.1). */
bool http_is_websocket(const struct http_head *h);

#endif
