/* SPDX-License-Identifier: MIT */
/* Reading requests; see request.h. */
#include "lab/t3/request.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define HEAD_MAX 65536

/* The value of the header in this line, or NULL. */
static const char *line_value(const char *line, const char *name)
{
	size_t n = strlen(name);

	if (strncasecmp(line, name, n) != 0 || line[n] != ':')
		return NULL;
	return line + n + 1 + strspn(line + n + 1, " \t");
}

bool request_header(const struct request *r, const char *name, int nth, char *out, size_t size)
{
	for (const char *line = r->head; line && *line; line = strstr(line, "\r\n"), line = line ? line + 2 : NULL) {
		const char *value = line_value(line, name);

		if (value && nth-- == 0) {
			int len = (int)strcspn(value, "\r\n");

			return (size_t)snprintf(out, size, "%.*s", len, value) < size;
		}
	}
	return false;
}

bool request_cookie(const struct request *r, const char *name, char *out, size_t size)
{
	char all[16384];

	for (int nth = 0; request_header(r, "cookie", nth, all, sizeof all); nth++) {
		char *rest = all;

		for (char *one; (one = strsep(&rest, ";"));) {
			one += strspn(one, " ");
			size_t n = strlen(name);

			if (strncmp(one, name, n) == 0 && one[n] == '=')
				return (size_t)snprintf(out, size, "%s", one + n + 1) < size;
		}
	}
	return false;
}

bool request_query(const struct request *r, const char *name, char *out, size_t size)
{
	char all[sizeof r->query];
	char *rest = all;

	snprintf(all, sizeof all, "%s", r->query);
	for (char *one; (one = strsep(&rest, "&"));) {
		size_t n = strlen(name);

		if (strncmp(one, name, n) == 0 && one[n] == '=')
			return (size_t)snprintf(out, size, "%s", one + n + 1) < size;
	}
	return false;
}

/* Joins the chunks at p into out (which may be p).  Bytes taken, or -EAGAIN, -EPROTO; dry: only look. */
static ssize_t chunks_join(char *p, size_t len, char *out, size_t *out_len, bool dry)
{
	size_t at = 0;

	*out_len = 0;
	for (;;) {
		char *eol = memmem(p + at, len - at, "\r\n", 2), *end;
		size_t size;

		if (!eol)
			return -EAGAIN;
		size = strtoul(p + at, &end, 16);
		if (end == p + at || size > SIZE_MAX / 4)
			return -EPROTO;
		at = (size_t)(eol - p) + 2;
		if (len - at < size + 2)
			return -EAGAIN;
		if (!dry && size > 0)
			memmove(out + *out_len, p + at, size);
		*out_len += size;
		at += size + 2;
		if (size == 0)
			return (ssize_t)at;
	}
}

static bool line_parse(struct request *r, const char *line)
{
	char target[2048];
	int minor;

	if (sscanf(line, "%15[A-Z] %2047[^ \r\n] HTTP/1.%1d", r->method, target, &minor) != 3)
		return false;
	r->http10 = minor == 0;
	size_t n = strcspn(target, "?");
	if (n >= sizeof r->path || strlen(target + n) >= sizeof r->query)
		return false;
	snprintf(r->path, sizeof r->path, "%.*s", (int)n, target);
	snprintf(r->query, sizeof r->query, "%s", target[n] ? target + n + 1 : "");
	return true;
}

static ssize_t body_read(struct request *r, char *buf, size_t head_len, size_t len)
{
	char value[64];
	ssize_t n;

	r->body = buf + head_len;
	if (request_header(r, "transfer-encoding", 0, value, sizeof value)) {
		n = chunks_join(r->body, len - head_len, NULL, &r->body_len, true);
		if (n > 0)
			n = chunks_join(r->body, len - head_len, r->body, &r->body_len, false);
		return n < 0 ? n : (ssize_t)head_len + n;
	}
	r->body_len = request_header(r, "content-length", 0, value, sizeof value) ? strtoul(value, NULL, 10) : 0;
	return len - head_len < r->body_len ? -EAGAIN : (ssize_t)(head_len + r->body_len);
}

ssize_t request_read(struct request *r, char *buf, size_t len)
{
	char *end = memmem(buf, len, "\r\n\r\n", 4), *eol, value[64], last;
	ssize_t n;

	memset(r, 0, sizeof *r);
	if (!end)
		return len > HEAD_MAX ? -EPROTO : -EAGAIN;
	eol = memmem(buf, len, "\r\n", 2);
	if (!line_parse(r, buf))
		return -EPROTO;
	r->head = eol + 2 > end ? end : eol + 2;
	last = end[2];
	end[2] = '\0';
	r->keep_alive = !r->http10;
	if (request_header(r, "connection", 0, value, sizeof value)) {
		if (strcasestr(value, "close"))
			r->keep_alive = false;
		else if (strcasestr(value, "keep-alive"))
			r->keep_alive = true;
	}
	r->expects_continue = request_header(r, "expect", 0, value, sizeof value);
	n = body_read(r, buf, (size_t)(end - buf) + 4, len);
	if (n < 0)
		end[2] = last;
	return n;
}
