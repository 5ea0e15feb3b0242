/* SPDX-License-Identifier: MIT */
/* The strict gate and the framing of bodies; see http_gate.h. */
#include "base/http_gate.h"

#include <string.h>
#include <strings.h>

struct row {
	int status;
	const char *label, *sentence;
};

static const struct row rows[GATE_REFUSALS] = {
	[GATE_PASSED] = {200, "passed", "nothing is wrong with it"},
#define GATE_REFUSAL(id, status, label, sentence) [GATE_##id] = {status, label, sentence},
#include "tbl/gate_refusal.h"
#undef GATE_REFUSAL
};

int gate_status(enum gate_refusal r)
{
	return rows[r].status;
}

const char *gate_label(enum gate_refusal r)
{
	return rows[r].label;
}

const char *gate_sentence(enum gate_refusal r)
{
	return rows[r].sentence;
}

bool http_is_token_char(unsigned char c)
{
	static const bool is_token[256] = {
	    ['0' ... '9'] = true, ['A' ... 'Z'] = true, ['a' ... 'z'] = true, ['!'] = true, ['#' ... '\''] = true,
	    ['*'] = true, ['+'] = true, ['-'] = true, ['.'] = true, ['^' ... '`'] = true, ['|'] = true, ['~'] = true};

	return is_token[c];
}

/* ---- the lines, before any meaning ----------------------------------------------------------- */

static enum gate_refusal line_judge(const char *line, size_t len)
{
	const char *colon = memchr(line, ':', len);

	if (line[0] == ' ' || line[0] == '\t')
		return GATE_FOLDED;
	if (!colon || colon == line)
		return GATE_FIELD_NAME;
	for (const char *c = line; c < colon; c++)
		if (!http_is_token_char((unsigned char)*c))
			return GATE_FIELD_NAME;
	for (const char *c = colon + 1; c < line + len; c++)
		if (((unsigned char)*c < ' ' && *c != '\t') || *c == 0x7f)
			return GATE_FIELD_VALUE;
	return GATE_PASSED;
}

/* The scan has made sure that every line ends in CRLF and the last one is empty. */
static enum gate_refusal lines_judge(struct span raw)
{
	const char *end = raw.at + raw.len, *line = memchr(raw.at, '\n', raw.len);

	for (line = line ? line + 1 : end; line < end;) {
		const char *lf = memchr(line, '\n', (size_t)(end - line));
		size_t len = (size_t)(lf - line) - 1;
		enum gate_refusal r = len > 0 ? line_judge(line, len) : GATE_PASSED;

		if (r != GATE_PASSED)
			return r;
		line = lf + 1;
	}
	return GATE_PASSED;
}

/* "GET /path HTTP/1.1": one space between, nothing else. */
static enum gate_refusal request_line_judge(struct span raw)
{
	const char *lf = memchr(raw.at, '\n', raw.len);
	size_t spaces = 0;

	for (const char *c = raw.at; lf && c < lf - 1; c++) {
		if ((unsigned char)*c < ' ' || *c == 0x7f)
			return GATE_SYNTAX;
		spaces += *c == ' ';
	}
	return spaces == 2 ? GATE_PASSED : GATE_SYNTAX;
}

/* ---- host and target ---------------------------------------------------------------------------- */

static bool is_host_char(unsigned char c)
{
	static const bool is_it[256] = {['0' ... '9'] = true, ['A' ... 'Z'] = true, ['a' ... 'z'] = true, ['-'] = true,
	                                ['.'] = true, ['_'] = true, ['~'] = true, [':'] = true, ['['] = true,
	                                [']'] = true, ['%'] = true};

	return is_it[c];
}

static bool is_host(struct span s)
{
	for (size_t i = 0; i < s.len; i++)
		if (!is_host_char((unsigned char)s.at[i]))
			return false;
	return s.len > 0 && s.len < 256;
}

static enum gate_refusal host_judge(const struct http_head *h)
{
	size_t n = http_field_count(h, "host");

	if (n > 1 || (n == 0 && h->minor == 1))
		return GATE_HOST;
	return n == 0 || is_host(http_field_find(h, "host", 0)->value) ? GATE_PASSED : GATE_HOST;
}

/* The authority of an absolute form must be the Host, else they could be told apart behind us. */
static enum gate_refusal target_judge(const struct http_head *h)
{
	const struct http_field *host = http_field_find(h, "host", 0);
	struct span t = h->target;
	const char *authority, *end = t.at + t.len, *slash;

	for (size_t i = 0; i < t.len; i++)
		if ((unsigned char)t.at[i] <= ' ' || t.at[i] == 0x7f || t.at[i] == '#')
			return GATE_TARGET;
	if (t.len > 0 && t.at[0] == '/')
		return GATE_PASSED;
	if (t.len == 1 && t.at[0] == '*' && span_is(h->method, "OPTIONS"))
		return GATE_PASSED;
	if (t.len > 7 && strncasecmp(t.at, "http://", 7) == 0)
		authority = t.at + 7;
	else if (t.len > 8 && strncasecmp(t.at, "https://", 8) == 0)
		authority = t.at + 8;
	else
		return GATE_TARGET;
	slash = memchr(authority, '/', (size_t)(end - authority));
	if (!slash || !host || host->value.len != (size_t)(slash - authority) ||
	    strncasecmp(authority, host->value.at, host->value.len) != 0)
		return GATE_TARGET;
	return GATE_PASSED;
}

/* ---- framing --------------------------------------------------------------------------------------- */

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

static enum gate_refusal framing_judge(const struct http_head *h)
{
	size_t lengths = http_field_count(h, "content-length"), codings = http_field_count(h, "transfer-encoding");
	uint64_t length;

	if (lengths > 0 && codings > 0)
		return GATE_LENGTH_AND_CODING;
	if (lengths > 1)
		return GATE_LENGTH;
	if (lengths == 1 && !http_length_parse(http_field_find(h, "content-length", 0)->value, &length))
		return GATE_LENGTH;
	if (codings > 0 && h->minor == 0)
		return GATE_CODING_VERSION;
	if (codings > 1 || (codings == 1 && !span_is_nocase(http_field_find(h, "transfer-encoding", 0)->value, "chunked")))
		return GATE_CODING;
	return GATE_PASSED;
}

/* Nobody says whether the bytes behind such a head are its body or the first frames. */
static enum gate_refusal upgrade_judge(const struct http_head *h)
{
	uint64_t length;

	return http_is_websocket(h) && http_request_framing(h, &length) != HTTP_BODY_NONE ? GATE_UPGRADE_BODY : GATE_PASSED;
}

static enum gate_refusal syntax_judge(enum http_syntax syntax)
{
	switch (syntax) {
	case HTTP_SYNTAX_METHOD:
		return GATE_METHOD;
	case HTTP_SYNTAX_VERSION:
		return GATE_VERSION;
	case HTTP_SYNTAX_MANY:
		return GATE_FIELD_COUNT;
	case HTTP_SYNTAX_FRAMING:
		return GATE_LENGTH;
	case HTTP_SYNTAX_BAD:
		return GATE_SYNTAX;
	default:
		return GATE_PASSED;
	}
}

enum gate_refusal http_gate(const struct http_head *h, enum http_syntax syntax, struct span raw, size_t max_fields)
{
	enum gate_refusal r = syntax == HTTP_SYNTAX_FRAMING ? framing_judge(h) : GATE_PASSED;

	if (r == GATE_PASSED && (syntax == HTTP_SYNTAX_OK || syntax == HTTP_SYNTAX_BAD))
		r = lines_judge(raw); /* says more than "syntax" */
	if (r == GATE_PASSED)
		r = syntax_judge(syntax);
	if (r == GATE_PASSED)
		r = request_line_judge(raw);
	if (r == GATE_PASSED && h->minor > 1)
		r = GATE_VERSION;
	if (r == GATE_PASSED && h->n > max_fields)
		r = GATE_FIELD_COUNT;
	if (r == GATE_PASSED && (span_is(h->method, "CONNECT") || span_is(h->method, "TRACE")))
		r = GATE_CONNECT;
	if (r == GATE_PASSED)
		r = host_judge(h);
	if (r == GATE_PASSED)
		r = target_judge(h);
	if (r == GATE_PASSED)
		r = framing_judge(h);
	if (r == GATE_PASSED)
		r = upgrade_judge(h);
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
