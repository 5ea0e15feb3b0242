/* SPDX-License-Identifier: MIT */
/* Judging Origin; see origin.h. */
#include "proxy/origin.h"

#include <string.h>

#include "net/forwarded.h"
#include "plugin.h"

static struct span port_cut(struct span host, const char *port)
{
	size_t n = strlen(port);

	if (host.len > n && memcmp(host.at + host.len - n, port, n) == 0)
		host.len -= n;
	return host;
}

/* Behind "https://" or "http://", and the default port; false if it is not a web origin. */
static bool origin_split(struct span origin, struct span *host, const char **port)
{
	static const struct {
		const char *scheme, *port;
	} rows[] = {{"https://", ":443"}, {"http://", ":80"}};

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		size_t n = strlen(rows[i].scheme);

		if (origin.len <= n || strncasecmp(origin.at, rows[i].scheme, n) != 0)
			continue;
		*host = (struct span){origin.at + n, origin.len - n};
		*port = rows[i].port;
		return true;
	}
	return false;
}

/* "https://name:443" is "name". */
static bool is_host(struct span origin, struct span host)
{
	struct span left, right;
	const char *port;

	if (!host.at || !origin_split(origin, &left, &port))
		return false;
	left = port_cut(left, port);
	right = port_cut(host, port);
	return left.len == right.len && strncasecmp(left.at, right.at, left.len) == 0;
}

/* "https://name:8443" is "name" at the port 8443. */
static bool is_host_at(struct span origin, struct span host, struct span at)
{
	struct span name = origin;
	uint64_t number;

	if (!host.at || at.len == 0 || at.len > 5 || !http_length_parse(at, &number) || origin.len <= at.len + 1 ||
	    origin.at[origin.len - at.len - 1] != ':' || memcmp(origin.at + origin.len - at.len, at.at, at.len) != 0)
		return false;
	name.len -= at.len + 1;
	return is_host(name, host);
}

/* What the browser asked for, as the proxies say that are believed. */
static bool is_forwarded_host(const struct http_head *h, struct span origin, const struct cidr_list *proxies)
{
	const struct http_field *host = http_field_find(h, "host", 0),
	                        *port = http_field_find(h, "x-forwarded-port", 0);
	struct span x_host = forwarded_x_host_find(h);

	return is_host(origin, x_host) || is_host(origin, forwarded_host_find(h, proxies)) ||
	       (port && http_field_count(h, "x-forwarded-port") == 1 &&
	        (is_host_at(origin, x_host, port->value) || (host && is_host_at(origin, host->value, port->value))));
}

static bool is_ours(const struct http_head *h, struct span origin, const struct cidr_list *proxies)
{
	const struct http_field *host = http_field_find(h, "host", 0);

	return (host && is_host(origin, host->value)) || (proxies && is_forwarded_host(h, origin, proxies));
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

/* A browser sends neither of these by itself, so no other site can have it sent. */
static bool has_token(const struct http_head *h)
{
	const struct http_field *f = http_field_find(h, "authorization", 0);

	return f && ((f->value.len > 7 && strncasecmp(f->value.at, "bearer ", 7) == 0) ||
	             (f->value.len > 5 && strncasecmp(f->value.at, "dpop ", 5) == 0));
}

enum origin_verdict origin_check(const struct http_head *h, const struct text_list *allowed,
                                 const struct cidr_list *proxies)
{
	const struct http_field *origin = http_field_find(h, "origin", 0);

	if (!origin)
		return has_ticket(h->target) || has_token(h) ? ORIGIN_TICKET : ORIGIN_ABSENT;
	if (http_field_count(h, "origin") > 1)
		return ORIGIN_FOREIGN;
	if (is_ours(h, origin->value, proxies))
		return ORIGIN_OURS;
	return is_listed(origin->value, allowed) ? ORIGIN_OURS : ORIGIN_FOREIGN;
}

uint32_t origin_site(const struct http_head *h, const struct cidr_list *proxies)
{
	const struct http_field *site = http_field_find(h, "sec-fetch-site", 0),
	                        *origin = http_field_find(h, "origin", 0);

	if (http_field_count(h, "sec-fetch-site") > 1 || http_field_count(h, "origin") > 1)
		return T3OPS_SITE_OTHER;
	if (site)
		return span_is_nocase(site->value, "same-origin") || span_is_nocase(site->value, "none")
		           ? T3OPS_SITE_OURS
		           : T3OPS_SITE_OTHER;
	if (!origin)
		return T3OPS_SITE_UNKNOWN;
	return is_ours(h, origin->value, proxies) ? T3OPS_SITE_OURS : T3OPS_SITE_OTHER;
}
