/* SPDX-License-Identifier: MIT */
/* The strict reader of heads; see http_parse.h. */
#include "net/http_parse.h"

#include <string.h>

#include "net/http_confirm.h"

/* ---- lines and words ----------------------------------------------------------------------------- */

static bool is_token(struct span s)
{
	for (size_t i = 0; i < s.len; i++)
		if (!http_is_token_char((unsigned char)s.at[i]))
			return false;
	return s.len > 0;
}

/* Tabs are allowed, and bytes above 127. */
static bool has_control(struct span s)
{
	for (size_t i = 0; i < s.len; i++)
		if (((unsigned char)s.at[i] < ' ' && s.at[i] != '\t') || s.at[i] == 0x7f)
			return true;
	return false;
}

/* The next line without its CRLF; false: there is none that ends so. */
static bool line_take(struct span *rest, struct span *line)
{
	const char *lf = memchr(rest->at, '\n', rest->len);

	if (!lf || lf == rest->at || lf[-1] != '\r')
		return false;
	*line = (struct span){rest->at, (size_t)(lf - 1 - rest->at)};
	rest->len -= line->len + 2;
	rest->at = lf + 1;
	return true;
}

/* Up to the separator, which is dropped; without one all of it. */
static struct span word_take(struct span *rest, char separator)
{
	const char *found = memchr(rest->at, separator, rest->len);
	struct span word = {rest->at, found ? (size_t)(found - rest->at) : rest->len};
	size_t used = word.len + (found != NULL);

	rest->at += used;
	rest->len -= used;
	return word;
}

static struct span span_trim(struct span s)
{
	for (; s.len > 0 && (*s.at == ' ' || *s.at == '\t'); s.at++)
		s.len--;
	while (s.len > 0 && (s.at[s.len - 1] == ' ' || s.at[s.len - 1] == '\t'))
		s.len--;
	return s;
}

/* ---- fields ----------------------------------------------------------------------------------------- */

static enum http_syntax field_read(struct http_head *h, struct span line)
{
	const char *colon = memchr(line.at, ':', line.len);
	struct http_field f;

	if (line.at[0] == ' ' || line.at[0] == '\t')
		return HTTP_SYNTAX_FOLDED;
	if (!colon)
		return HTTP_SYNTAX_FIELD_NAME;
	f.name = word_take(&line, ':');
	f.value = span_trim(line);
	if (!is_token(f.name))
		return HTTP_SYNTAX_FIELD_NAME;
	if (has_control(f.value))
		return HTTP_SYNTAX_FIELD_VALUE;
	if (h->n == HTTP_FIELDS_MAX)
		return HTTP_SYNTAX_MANY;
	h->fields[h->n++] = f;
	return HTTP_SYNTAX_OK;
}

/* From the line after the first one to the empty one. */
static enum http_syntax fields_read(struct http_head *h, struct span rest)
{
	enum http_syntax syntax = HTTP_SYNTAX_OK;
	struct span line;

	while (syntax == HTTP_SYNTAX_OK) {
		if (!line_take(&rest, &line))
			return HTTP_SYNTAX_BAD;
		if (line.len == 0)
			return rest.len == 0 ? HTTP_SYNTAX_OK : HTTP_SYNTAX_BAD;
		syntax = field_read(h, line);
	}
	return syntax;
}

/* ---- the first line ----------------------------------------------------------------------------------- */

/* "HTTP/1.1" */
static enum http_syntax version_read(struct http_head *h, struct span s)
{
	if (s.len != 8 || memcmp(s.at, "HTTP/", 5) != 0 || s.at[6] != '.')
		return HTTP_SYNTAX_BAD;
	if (s.at[5] != '1' || (s.at[7] != '0' && s.at[7] != '1'))
		return s.at[5] >= '0' && s.at[5] <= '9' && s.at[7] >= '0' && s.at[7] <= '9' ? HTTP_SYNTAX_VERSION
		                                                                            : HTTP_SYNTAX_BAD;
	h->minor = s.at[7] == '1';
	return HTTP_SYNTAX_OK;
}

/* The registered ones that t3's own parser (llhttp) has always known: whether a method passes must not depend on the
 * release that we were built with. */
static bool method_is_known(struct span s)
{
	static const char *const known[] = {"GET",    "POST",    "HEAD",     "PUT",       "DELETE",     "OPTIONS",
	                                    "PATCH",  "CONNECT", "TRACE",    "ACL",       "BIND",       "CHECKOUT",
	                                    "COPY",   "LINK",    "LOCK",     "MERGE",     "MKCOL",      "MKACTIVITY",
	                                    "MOVE",   "SEARCH",  "PROPFIND", "PROPPATCH", "MKCALENDAR", "REBIND",
	                                    "REPORT", "UNBIND",  "UNLINK",   "UNLOCK"};

	for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
		if (span_is(s, known[i]))
			return true;
	return false;
}

/* "GET /path HTTP/1.1": one space between, nothing else. */
static enum http_syntax request_line_read(struct http_head *h, struct span line)
{
	enum http_syntax syntax;

	if (has_control(line) || memchr(line.at, '\t', line.len))
		return HTTP_SYNTAX_BAD;
	h->method = word_take(&line, ' ');
	h->target = word_take(&line, ' ');
	if (!is_token(h->method) || h->target.len == 0)
		return HTTP_SYNTAX_BAD;
	if (line.at == h->target.at + h->target.len)
		return HTTP_SYNTAX_VERSION; /* HTTP/0.9 says none */
	syntax = version_read(h, line);
	return syntax == HTTP_SYNTAX_OK && !method_is_known(h->method) ? HTTP_SYNTAX_METHOD : syntax;
}

/* "HTTP/1.1 200 OK"; the reason, and the space before it, may be missing. */
static enum http_syntax status_line_read(struct http_head *h, struct span line)
{
	enum http_syntax syntax = version_read(h, word_take(&line, ' '));

	if (syntax != HTTP_SYNTAX_OK)
		return syntax;
	if (line.len < 3 || (line.len > 3 && line.at[3] != ' ') || has_control(line))
		return HTTP_SYNTAX_BAD;
	for (size_t i = 0; i < 3; i++) {
		if (line.at[i] < '0' || line.at[i] > '9')
			return HTTP_SYNTAX_BAD;
		h->status = h->status * 10 + (line.at[i] - '0');
	}
	return h->status >= 100 ? HTTP_SYNTAX_OK : HTTP_SYNTAX_BAD;
}

/* ---- whole heads -------------------------------------------------------------------------------------- */

enum http_syntax http_request_parse(struct http_head *h, const char *bytes, size_t len)
{
	struct span rest = {bytes, len}, line;
	enum http_syntax syntax;

	h->n = 0;
	h->status = 0;
	h->minor = 0;
	h->method = h->target = (struct span){bytes, 0};
	if (!line_take(&rest, &line))
		return HTTP_SYNTAX_BAD;
	syntax = request_line_read(h, line);
	return syntax == HTTP_SYNTAX_OK ? fields_read(h, rest) : syntax;
}

/* Lengths that readers could see in two ways. */
static bool framing_is_clear(const struct http_head *h)
{
	size_t lengths = http_field_count(h, "content-length"), codings = http_field_count(h, "transfer-encoding");
	uint64_t length;

	if (codings > 0 && (lengths > 0 || http_field_find(h, "transfer-encoding", 0)->value.len == 0))
		return false;
	return lengths == 0 || (lengths == 1 && http_field_length(http_field_find(h, "content-length", 0), &length));
}

enum http_syntax http_response_parse(struct http_head *h, const char *bytes, size_t len)
{
	struct span rest = {bytes, len}, line;
	enum http_syntax syntax;

	h->n = 0;
	h->status = 0;
	h->minor = 0;
	h->method = h->target = (struct span){bytes, 0};
	if (!line_take(&rest, &line))
		return HTTP_SYNTAX_BAD;
	syntax = status_line_read(h, line);
	if (syntax == HTTP_SYNTAX_OK)
		syntax = fields_read(h, rest);
	if (syntax == HTTP_SYNTAX_OK && (!framing_is_clear(h) || !http_fields_confirm(h, rest)))
		syntax = HTTP_SYNTAX_FRAMING;
	return syntax;
}
