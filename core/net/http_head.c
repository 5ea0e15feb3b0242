/* SPDX-License-Identifier: MIT */
/* Finding and parsing message heads; see http_head.h. */
#include "net/http_head.h"

#include <llhttp.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* ---- where a head ends ------------------------------------------------------------------- */

enum http_scan http_head_scan(const char *bytes, size_t n, size_t *seen, size_t *len)
{
	const char *at = bytes + *seen, *end = bytes + n;
	const char *line = at; /* *seen is always a line's first byte */

	while (at < end) {
		const char *lf = memchr(at, '\n', (size_t)(end - at));
		const char *stop = lf ? lf : end;
		const char *cr = memchr(line, '\r', (size_t)(stop - line));

		if (memchr(at, '\0', (size_t)(stop - at)))
			return HTTP_SCAN_BAD;
		if (cr && cr != stop - 1)
			return HTTP_SCAN_BAD; /* a CR in the middle of a line */
		if (!lf)
			break;
		if (!cr)
			return HTTP_SCAN_BAD; /* a LF without CR */
		if (cr == line) {
			*len = (size_t)(lf + 1 - bytes);
			return HTTP_SCAN_DONE;
		}
		at = line = lf + 1;
	}
	*seen = (size_t)(line - bytes);
	return HTTP_SCAN_MORE;
}

/* ---- parsing ------------------------------------------------------------------------------- */

/* llhttp's view while it reads one head. */
struct reading {
	llhttp_t parser; /* first: its address is ours */
	struct http_head *head;
	bool many;
};

static int on_url(llhttp_t *p, const char *at, size_t len)
{
	((struct reading *)(void *)p)->head->target = (struct span){at, len};
	return 0;
}

static int on_field(llhttp_t *p, const char *at, size_t len)
{
	struct reading *r = (struct reading *)(void *)p;

	if (r->head->n == HTTP_FIELDS_MAX) {
		r->many = true;
		return HPE_USER;
	}
	r->head->fields[r->head->n].name = (struct span){at, len};
	r->head->fields[r->head->n].value = (struct span){at + len, 0};
	return 0;
}

static int on_value(llhttp_t *p, const char *at, size_t len)
{
	struct reading *r = (struct reading *)(void *)p;

	while (len > 0 && (at[len - 1] == ' ' || at[len - 1] == '\t'))
		len--;
	if (len > 0) /* llhttp notices an empty one on the next line only: it stays where on_field put it */
		r->head->fields[r->head->n].value = (struct span){at, len};
	return 0;
}

static int on_value_complete(llhttp_t *p)
{
	((struct reading *)(void *)p)->head->n++;
	return 0;
}

/* The body is not llhttp's business. */
static int on_headers_complete(llhttp_t *p)
{
	(void)p;
	return HPE_PAUSED;
}

static enum http_syntax syntax_of(const struct reading *r, llhttp_errno_t error)
{
	if (r->many)
		return HTTP_SYNTAX_MANY;
	switch (error) {
	case HPE_OK:
	case HPE_PAUSED:
	case HPE_PAUSED_UPGRADE:
		return HTTP_SYNTAX_OK;
	case HPE_INVALID_METHOD:
		return HTTP_SYNTAX_METHOD;
	case HPE_INVALID_VERSION:
		return HTTP_SYNTAX_VERSION;
	case HPE_UNEXPECTED_CONTENT_LENGTH:
	case HPE_INVALID_CONTENT_LENGTH:
	case HPE_INVALID_TRANSFER_ENCODING:
		return HTTP_SYNTAX_FRAMING;
	default:
		return HTTP_SYNTAX_BAD;
	}
}

static enum http_syntax head_parse(struct http_head *h, const char *bytes, size_t len, llhttp_type_t type)
{
	static const llhttp_settings_t settings = {.on_url = on_url,
	                                           .on_header_field = on_field,
	                                           .on_header_value = on_value,
	                                           .on_header_value_complete = on_value_complete,
	                                           .on_headers_complete = on_headers_complete};
	struct reading r = {.head = h};
	llhttp_errno_t error;

	h->n = 0;
	h->method = h->target = (struct span){bytes, 0};
	llhttp_init(&r.parser, type, &settings);
	error = llhttp_execute(&r.parser, bytes, len);
	h->minor = r.parser.http_minor;
	h->status = r.parser.status_code;
	if (error == HPE_OK)
		return HTTP_SYNTAX_BAD; /* it wants more, though the head is whole */
	if (syntax_of(&r, error) == HTTP_SYNTAX_OK && r.parser.http_major != 1)
		return HTTP_SYNTAX_VERSION; /* llhttp takes 0.9 and 2.0, too */
	return syntax_of(&r, error);
}

enum http_syntax http_request_parse(struct http_head *h, const char *bytes, size_t len)
{
	enum http_syntax syntax = head_parse(h, bytes, len, HTTP_REQUEST);
	const char *space = memchr(bytes, ' ', len);

	if (syntax == HTTP_SYNTAX_OK && space)
		h->method = (struct span){bytes, (size_t)(space - bytes)};
	return syntax;
}

enum http_syntax http_response_parse(struct http_head *h, const char *bytes, size_t len)
{
	return head_parse(h, bytes, len, HTTP_RESPONSE);
}

/* ---- looking things up -------------------------------------------------------------------------- */

static bool field_is(const struct http_field *f, const char *name, size_t len)
{
	return f->name.len == len && strncasecmp(f->name.at, name, len) == 0;
}

const struct http_field *http_field_find(const struct http_head *h, const char *name, size_t from)
{
	size_t len = strlen(name);

	for (size_t i = from; i < h->n; i++)
		if (field_is(&h->fields[i], name, len))
			return &h->fields[i];
	return NULL;
}

static void text_join(struct span *sum, struct span more, const char *separator)
{
	char *end = (char *)(uintptr_t)sum->at + sum->len;

	if (sum->len > 0 && more.len > 0)
		end = stpcpy(end, separator);
	memcpy(end, more.at, more.len);
	sum->len = (size_t)(end - sum->at) + more.len;
}

bool http_fields_join(struct http_head *h, const char *name, const char *separator, char **joined)
{
	size_t len = strlen(name), size = 1, first = 0, kept = 0;
	struct span sum = {0};

	*joined = NULL;
	if (http_field_count(h, name) < 2)
		return true;
	for (size_t i = 0; i < h->n; i++)
		if (field_is(&h->fields[i], name, len))
			size += h->fields[i].value.len + strlen(separator);
	sum.at = *joined = calloc(1, size);
	if (!*joined)
		return false;
	for (size_t i = 0; i < h->n; i++) {
		bool is_one = field_is(&h->fields[i], name, len);

		if (is_one)
			text_join(&sum, h->fields[i].value, separator);
		if (is_one && first == 0)
			first = kept + 1;
		else if (is_one)
			continue;
		h->fields[kept++] = h->fields[i];
	}
	h->fields[first - 1].value = sum;
	h->n = kept;
	return true;
}

size_t http_field_count(const struct http_head *h, const char *name)
{
	size_t n = 0, len = strlen(name);

	for (size_t i = 0; i < h->n; i++)
		n += field_is(&h->fields[i], name, len);
	return n;
}

static bool value_has_token(struct span value, const char *token)
{
	const char *at = value.at, *end = value.at + value.len;

	while (at < end) {
		const char *comma = memchr(at, ',', (size_t)(end - at));
		const char *stop = comma ? comma : end, *last = stop;

		while (at < last && (*at == ' ' || *at == '\t'))
			at++;
		while (last > at && (last[-1] == ' ' || last[-1] == '\t'))
			last--;
		if (span_is_nocase((struct span){at, (size_t)(last - at)}, token))
			return true;
		at = stop + 1;
	}
	return false;
}

bool http_list_has(const struct http_head *h, const char *name, const char *token)
{
	size_t len = strlen(name);

	for (size_t i = 0; i < h->n; i++)
		if (field_is(&h->fields[i], name, len) && value_has_token(h->fields[i].value, token))
			return true;
	return false;
}

bool http_is_websocket(const struct http_head *h)
{
	return span_is(h->method, "GET") && h->minor == 1 && http_list_has(h, "connection", "upgrade") &&
	       http_list_has(h, "upgrade", "websocket") && http_field_find(h, "sec-websocket-key", 0);
}
