/* SPDX-License-Identifier: MIT */
/* A request's head from any bytes: scan, parse, validate; a head that passed says one thing only. */
#include <string.h>

#include "net/request_validation.h"
#include "fuzz.h"

static void span_check(struct span s, const uint8_t *data, size_t len)
{
	PROMISE(s.len == 0 || ((const uint8_t *)s.at >= data && (const uint8_t *)s.at + s.len <= data + len));
}

static void head_check(const struct http_head *h, const uint8_t *data, size_t len)
{
	PROMISE(h->n <= HTTP_FIELDS_MAX);
	span_check(h->method, data, len);
	span_check(h->target, data, len);
	for (size_t i = 0; i < h->n; i++) {
		span_check(h->fields[i].name, data, len);
		span_check(h->fields[i].value, data, len);
		PROMISE(!memchr(h->fields[i].value.at, '\n', h->fields[i].value.len));
	}
}

/* An empty value, too, is on its name's line: what follows a value may be written over. */
static bool is_one_line(const struct http_field *f)
{
	const char *end = f->value.at + f->value.len;

	return f->value.at >= f->name.at + f->name.len && !memchr(f->name.at, '\n', (size_t)(end - f->name.at));
}

static size_t bytes_count(const uint8_t *data, size_t len, char byte)
{
	size_t n = 0;

	for (size_t i = 0; i < len; i++)
		n += data[i] == (uint8_t)byte;
	return n;
}

/* What smuggling needs must not have passed. */
static void passed_check(const struct http_head *h, const uint8_t *data, size_t len)
{
	size_t lengths = http_field_count(h, "content-length"), codings = http_field_count(h, "transfer-encoding");
	uint64_t length;

	/* the request line, the fields and the empty line: there is no line that somebody else could see */
	PROMISE(bytes_count(data, len, '\n') == h->n + 2 && bytes_count(data, len, '\r') == h->n + 2);
	for (size_t i = 0; i < h->n; i++)
		PROMISE(is_one_line(&h->fields[i]));
	PROMISE(lengths + codings <= 1);
	PROMISE(h->minor <= 1);
	PROMISE(http_field_count(h, "host") <= 1);
	PROMISE(http_request_framing(h, &length) != HTTP_BODY_BAD);
	(void)http_is_websocket(h);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t seen = 0, len = 0;
	struct http_head h;
	enum http_syntax syntax;
	enum reject_reason reason;

	if (http_head_scan((const char *)data, size, &seen, &len) != HTTP_SCAN_DONE)
		return 0;
	PROMISE(len <= size && len >= 2);
	syntax = http_request_parse(&h, (const char *)data, len);
	if (syntax == HTTP_SYNTAX_OK)
		head_check(&h, data, len);
	reason = request_validate(&h, syntax, (struct span){(const char *)data, len}, 128);
	if (reason == REJECT_NONE) {
		PROMISE(syntax == HTTP_SYNTAX_OK);
		passed_check(&h, data, len);
	}
	/* whatever llhttp would find wrong has been found by us: its release makes no difference */
	PROMISE(reason != REJECT_SYNTAX || syntax == HTTP_SYNTAX_BAD);
	return 0;
}
