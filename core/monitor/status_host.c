/* SPDX-License-Identifier: MIT */
/* Host and names; see status_host.h. */
#include "monitor/status_host.h"

#include <arpa/inet.h>
#include <string.h>

/* Without its port, and without the dot of a full name. */
static struct span name_of(struct span host)
{
	const char *colon = memrchr(host.at, ':', host.len);

	if (colon && strspn(colon + 1, "0123456789") >= host.len - (size_t)(colon + 1 - host.at))
		host.len = (size_t)(colon - host.at);
	if (host.len > 1 && host.at[host.len - 1] == '.')
		host.len--;
	return host;
}

static bool is_numeric(struct span host)
{
	char text[INET6_ADDRSTRLEN + 2];
	struct in6_addr v6;
	struct in_addr v4;

	if (host.len >= sizeof text)
		return false;
	memcpy(text, host.at, host.len);
	text[host.len] = '\0';
	if (text[0] != '[')
		return inet_pton(AF_INET, text, &v4) == 1;
	if (text[host.len - 1] != ']')
		return false;
	text[host.len - 1] = '\0';
	return inet_pton(AF_INET6, text + 1, &v6) == 1;
}

bool status_host_known(const struct http_head *h, const struct text_list *hosts, const char *own)
{
	const struct http_field *field = http_field_find(h, "Host", 0);
	struct span host;

	if (!field)
		return h->minor == 0;
	if (http_field_count(h, "Host") > 1)
		return false;
	host = name_of(field->value);
	if (is_numeric(host) || span_is_nocase(host, "localhost") || (own[0] != '\0' && span_is_nocase(host, own)))
		return true;
	for (size_t i = 0; i < hosts->n; i++)
		if (span_is_nocase(host, hosts->items[i]))
			return true;
	return false;
}
