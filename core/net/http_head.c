/* SPDX-License-Identifier: MIT */
/* Where a head ends, and looking into one; see http_head.h. */
#include "net/http_head.h"

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

/* ---- characters and numbers ------------------------------------------------------------------------ */

bool http_length_parse(struct span s, uint64_t *out)
{
	uint64_t value = 0;

	if (s.len == 0 || s.len > 18)
		return false;
	for (size_t i = 0; i < s.len; i++) {
		if (s.at[i] < '0' || s.at[i] > '9')
			return false;
		value = value * 10 + (uint64_t)(s.at[i] - '0');
	}
	*out = value;
	return true;
}

bool http_field_length(const struct http_field *f, uint64_t *out)
{
	const char *line = f->name.at + f->name.len, *end = strchr(f->value.at + f->value.len, '\r');

	return end && !memchr(line, '\t', (size_t)(end - line)) && http_length_parse(f->value, out);
}
