/* SPDX-License-Identifier: MIT */
/* Judging Origin; see origin.h. */
#include "proxy/origin.h"

#include <string.h>

static struct span port_cut(struct span host, const char *port)
{
	size_t n = strlen(port);

	if (host.len > n && memcmp(host.at + host.len - n, port, n) == 0)
		host.len -= n;
	return host;
}

/* "https://name:443" is Host "name": false if it is not a web origin. */
static bool is_host(struct span origin, struct span host)
{
	static const struct {
		const char *scheme, *port;
	} rows[] = {{"https://", ":443"}, {"http://", ":80"}};

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		size_t n = strlen(rows[i].scheme);
		struct span left, right;

		if (origin.len <= n || strncasecmp(origin.at, rows[i].scheme, n) != 0)
			continue;
		left = port_cut((struct span){origin.at + n, origin.len - n}, rows[i].port);
		right = port_cut(host, rows[i].port);
		return left.len == right.len && strncasecmp(left.at, right.at, left.len) == 0;
	}
	return false;
}

static bool is_listed(struct span origin, const struct text_list *allowed)
{
	for (size_t i = 0; i < allowed->n; i++)
		if (span_is_nocase(origin, allowed->items[i]))
			return true;
	return false;
}

/* "wsTicket=..." or, of an older t3, "wsToken=..." in the query, not empty. */
static bool has_ticket(struct span target)
{
	const char *at = memchr(target.at, '?', target.len), *end = target.at + target.len;

	while (at && ++at < end) {
		const char *next = memchr(at, '&', (size_t)(end - at)), *stop = next ? next : end;
		size_t len = (size_t)(stop - at);

		if ((len > 9 && memcmp(at, "wsTicket=", 9) == 0) || (len > 8 && memcmp(at, "wsToken=", 8) == 0))
			return true;
		at = next;
	}
	return false;
}

static bool has_bearer(const struct http_head *h)
{
	const struct http_field *f = http_field_find(h, "authorization", 0);

	return f && f->value.len > 7 && strncasecmp(f->value.at, "bearer ", 7) == 0;
}

enum origin_verdict origin_check(const struct http_head *h, const struct text_list *allowed)
{
	const struct http_field *origin = http_field_find(h, "origin", 0), *host = http_field_find(h, "host", 0);

	if (!origin)
		return has_ticket(h->target) || has_bearer(h) ? ORIGIN_TICKET : ORIGIN_ABSENT;
	if (http_field_count(h, "origin") > 1)
		return ORIGIN_FOREIGN;
	if (host && is_host(origin->value, host->value))
		return ORIGIN_OURS;
	return is_listed(origin->value, allowed) ? ORIGIN_OURS : ORIGIN_FOREIGN;
}
