/* SPDX-License-Identifier: MIT */
/*
 * Heads of HTTP/1.1 messages (RFC 9112): where one ends, and its fields as spans of the bytes it was read from.
 * http_parse.h reads them.  Pure, any process.
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
	int status;                 /* response; of a request 0 */
	unsigned minor;             /* HTTP/1.minor */
	struct http_field fields[HTTP_FIELDS_MAX];
	size_t n;
};

enum http_scan { HTTP_SCAN_MORE, HTTP_SCAN_DONE, HTTP_SCAN_BAD };

/* Looks for the empty line that ends a head; *seen is where to go on (0 at first).  DONE: *len is
 * the head's length, its last CRLF included.  BAD: a bare CR or LF, or a NUL. */
enum http_scan http_head_scan(const char *bytes, size_t n, size_t *seen, size_t *len);

/* First field of that name from index `from` on; NULL: none. */
const struct http_field *http_field_find(const struct http_head *h, const char *name, size_t from);
size_t http_field_count(const struct http_head *h, const char *name);
/* Makes one of several fields of that name, where the first one stands; empty ones add nothing.  Its value is a new
 * string in *joined, for free() when the head is not used any more; NULL if there was nothing to join.  False
 * without memory; the head is then as before. */
bool http_fields_join(struct http_head *h, const char *name, const char *separator, char **joined);
/* Whether a list field ("Connection: a, b") holds the token, in any of its lines. */
bool http_list_has(const struct http_head *h, const char *name, const char *token);

static inline struct span span_of(const char *text)
{
	return (struct span){text, strlen(text)};
}
/* Inline, for the length of a literal is then known: most comparisons end there. */
static inline bool span_is(struct span s, const char *text) /* exactly */
{
	return strlen(text) == s.len && memcmp(s.at, text, s.len) == 0;
}
static inline bool span_is_nocase(struct span s, const char *text) /* ASCII case aside */
{
	return strlen(text) == s.len && strncasecmp(s.at, text, s.len) == 0;
}
/* What names of fields are made of (RFC 9110 5.6.2).  Inline, for it sees every byte of them. */
static inline bool http_is_token_char(unsigned char c)
{
	static const bool is_token[256] = {
	    ['0' ... '9'] = true,  ['A' ... 'Z'] = true, ['a' ... 'z'] = true, ['!'] = true,
	    ['#' ... '\''] = true, ['*'] = true,         ['+'] = true,         ['-'] = true,
	    ['.'] = true,          ['^' ... '`'] = true, ['|'] = true,         ['~'] = true};

	return is_token[c];
}
/* A decimal number that is nothing but digits. */
bool http_length_parse(struct span s, uint64_t *out);
/* The value of a Content-Length: as above, with spaces around it at most.  (A tab is white space, too, but not to
 * every reader of this field.)  f is in a head that was read whole. */
bool http_field_length(const struct http_field *f, uint64_t *out);
/* A request that asks to become a WebSocket (RFC 6455 4.1). */
bool http_is_websocket(const struct http_head *h);

#endif
