/* SPDX-License-Identifier: MIT */
/* Reject reasons and the framing of bodies; see request_validation.h. */
#include "net/request_validation.h"

#include <string.h>
#include <strings.h>

#include "net/http_confirm.h"

struct row {
	int status;
	const char *label, *sentence;
};

static const struct row rows[REJECT_REASONS] = {
    [REJECT_NONE] = {200, "passed", "nothing is wrong with it"},
#define REJECT_REASON(id, status, label, sentence) [REJECT_##id] = {status, label, sentence},
#include "tbl/reject_reason.h"
#undef REJECT_REASON
};

int reject_status(enum reject_reason r)
{
	return rows[r].status;
}

const char *reject_label(enum reject_reason r)
{
	return rows[r].label;
}

const char *reject_sentence(enum reject_reason r)
{
	return rows[r].sentence;
}

/* ---- host and target ---------------------------------------------------------------------------- */

static bool is_host_char(unsigned char c)
{
	static const bool is_it[256] = {
	    ['0' ... '9'] = true, ['A' ... 'Z'] = true, ['a' ... 'z'] = true, ['-'] = true,
	    ['.'] = true,         ['_'] = true,         ['~'] = true,         [':'] = true,
	    ['['] = true,         [']'] = true,         ['%'] = true};

	return is_it[c];
}

static bool is_host(struct span s)
{
	for (size_t i = 0; i < s.len; i++)
		if (!is_host_char((unsigned char)s.at[i]))
			return false;
	return s.len > 0 && s.len < 256;
}

static enum reject_reason host_check(const struct http_head *h)
{
	size_t n = http_field_count(h, "host");

	if (n > 1 || (n == 0 && h->minor == 1))
		return REJECT_HOST;
	return n == 0 || is_host(http_field_find(h, "host", 0)->value) ? REJECT_NONE : REJECT_HOST;
}

/* The authority of an absolute form must be the Host, else they could be reported apart behind us. */
static enum reject_reason target_check(const struct http_head *h)
{
	const struct http_field *host = http_field_find(h, "host", 0);
	struct span t = h->target;
	const char *authority, *end = t.at + t.len, *slash;

	for (size_t i = 0; i < t.len; i++)
		if ((unsigned char)t.at[i] <= ' ' || t.at[i] == 0x7f || t.at[i] == '#')
			return REJECT_TARGET;
	if (t.len > 0 && t.at[0] == '/')
		return REJECT_NONE;
	if (t.len == 1 && t.at[0] == '*' && span_is(h->method, "OPTIONS"))
		return REJECT_NONE;
	if (t.len > 7 && strncasecmp(t.at, "http://", 7) == 0)
		authority = t.at + 7;
	else if (t.len > 8 && strncasecmp(t.at, "https://", 8) == 0)
		authority = t.at + 8;
	else
		return REJECT_TARGET;
	slash = memchr(authority, '/', (size_t)(end - authority));
	if (!slash || !host || host->value.len != (size_t)(slash - authority) ||
	    strncasecmp(authority, host->value.at, host->value.len) != 0)
		return REJECT_TARGET;
	return REJECT_NONE;
}

/* ---- framing --------------------------------------------------------------------------------------- */

static enum reject_reason framing_check(const struct http_head *h)
{
	size_t lengths = http_field_count(h, "content-length"), codings = http_field_count(h, "transfer-encoding");
	uint64_t length;

	if (lengths > 0 && codings > 0)
		return REJECT_LENGTH_AND_CODING;
	if (lengths > 1)
		return REJECT_LENGTH;
	if (lengths == 1 && !http_field_length(http_field_find(h, "content-length", 0), &length))
		return REJECT_LENGTH;
	if (codings > 0 && h->minor == 0)
		return REJECT_CODING_VERSION;
	if (codings > 1 ||
	    (codings == 1 && !span_is_nocase(http_field_find(h, "transfer-encoding", 0)->value, "chunked")))
		return REJECT_CODING;
	return REJECT_NONE;
}

/* Nobody says whether the bytes behind such a head are its body or the first frames. */
static enum reject_reason upgrade_check(const struct http_head *h)
{
	uint64_t length;

	return http_is_websocket(h) && http_request_framing(h, &length) != HTTP_BODY_NONE ? REJECT_UPGRADE_BODY
	                                                                                  : REJECT_NONE;
}

static enum reject_reason syntax_check(enum http_syntax syntax)
{
	switch (syntax) {
	case HTTP_SYNTAX_OK:
		return REJECT_NONE;
	case HTTP_SYNTAX_METHOD:
		return REJECT_METHOD;
	case HTTP_SYNTAX_VERSION:
		return REJECT_VERSION;
	case HTTP_SYNTAX_MANY:
		return REJECT_FIELD_COUNT;
	case HTTP_SYNTAX_FOLDED:
		return REJECT_FOLDED;
	case HTTP_SYNTAX_FIELD_NAME:
		return REJECT_FIELD_NAME;
	case HTTP_SYNTAX_FIELD_VALUE:
		return REJECT_FIELD_VALUE;
	default:
		return REJECT_SYNTAX;
	}
}

/* The last check: whatever llhttp alone finds wrong. */
static enum reject_reason confirm_check(const struct http_head *h, struct span raw)
{
	const char *lines = (const char *)memchr(raw.at, '\n', raw.len) + 1;

	return http_fields_confirm(h, (struct span){lines, (size_t)(raw.at + raw.len - lines)}) ? REJECT_NONE
	                                                                                        : REJECT_SYNTAX;
}

enum reject_reason request_validate(const struct http_head *h, enum http_syntax syntax, struct span raw,
                                    size_t max_fields)
{
	enum reject_reason r = syntax_check(syntax);

	if (r == REJECT_NONE && h->n > max_fields)
		r = REJECT_FIELD_COUNT;
	if (r == REJECT_NONE && (span_is(h->method, "CONNECT") || span_is(h->method, "TRACE")))
		r = REJECT_CONNECT;
	if (r == REJECT_NONE)
		r = host_check(h);
	if (r == REJECT_NONE)
		r = target_check(h);
	if (r == REJECT_NONE)
		r = framing_check(h);
	if (r == REJECT_NONE)
		r = upgrade_check(h);
	if (r == REJECT_NONE)
		r = confirm_check(h, raw);
	return r;
}

enum http_framing http_request_framing(const struct http_head *h, uint64_t *length)
{
	const struct http_field *field = http_field_find(h, "content-length", 0);

	*length = 0;
	if (http_field_find(h, "transfer-encoding", 0))
		return HTTP_BODY_CHUNKED;
	if (!field || !http_length_parse(field->value, length) || *length == 0)
		return HTTP_BODY_NONE;
	return HTTP_BODY_LENGTH;
}

enum http_framing http_response_framing(const struct http_head *h, struct span method, uint64_t *length)
{
	const struct http_field *field = http_field_find(h, "content-length", 0);
	size_t codings = http_field_count(h, "transfer-encoding");

	*length = 0;
	if (span_is(method, "HEAD") || h->status < 200 || h->status == 204 || h->status == 304)
		return HTTP_BODY_NONE;
	if (codings > 0) {
		bool chunked = codings == 1 && !field &&
		               span_is_nocase(http_field_find(h, "transfer-encoding", 0)->value, "chunked");

		return chunked ? HTTP_BODY_CHUNKED : HTTP_BODY_BAD;
	}
	if (!field)
		return HTTP_BODY_UNTIL_CLOSE;
	if (http_field_count(h, "content-length") > 1 || !http_length_parse(field->value, length))
		return HTTP_BODY_BAD;
	return *length > 0 ? HTTP_BODY_LENGTH : HTTP_BODY_NONE;
}
