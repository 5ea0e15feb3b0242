/* SPDX-License-Identifier: MIT */
/* Comparing names of fields; see field_name.h. */
#include "net/field_name.h"

#include <ctype.h>

static char fold(char c)
{
	return c == '_' || c == '.' ? '-' : (char)tolower((unsigned char)c);
}

bool field_name_is_alias(struct span field, struct span name)
{
	for (size_t i = 0; i < name.len; i++)
		if (field.at[i] != name.at[i] && fold(field.at[i]) != fold(name.at[i]))
			return false;
	return true;
}

/* Those of requests and those that both have: RFC 9110, 9111, 9112, 6265, 7239 and what every proxy adds. */
static const char *const taken[] = {"accept",
                                    "accept-charset",
                                    "accept-encoding",
                                    "accept-language",
                                    "authorization",
                                    "cache-control",
                                    "connection",
                                    "content-encoding",
                                    "content-language",
                                    "content-length",
                                    "content-location",
                                    "content-range",
                                    "content-type",
                                    "cookie",
                                    "date",
                                    "expect",
                                    "forwarded",
                                    "host",
                                    "http2-settings",
                                    "if-match",
                                    "if-modified-since",
                                    "if-none-match",
                                    "if-range",
                                    "if-unmodified-since",
                                    "keep-alive",
                                    "last-event-id",
                                    "max-forwards",
                                    "origin",
                                    "pragma",
                                    "proxy-authenticate",
                                    "proxy-authorization",
                                    "proxy-connection",
                                    "range",
                                    "referer",
                                    "set-cookie",
                                    "te",
                                    "trailer",
                                    "transfer-encoding",
                                    "upgrade",
                                    "upgrade-insecure-requests",
                                    "user-agent",
                                    "via",
                                    "x-forwarded-for",
                                    "x-forwarded-host",
                                    "x-forwarded-proto",
                                    "x-real-ip"};

bool field_name_is_taken(struct span name)
{
	static const struct span sec = {"sec-", 4}; /* a browser's own, Sec-WebSocket-Key among them */

	if (name.len > sec.len && field_name_is_alias(name, sec))
		return true;
	for (size_t i = 0; i < sizeof taken / sizeof taken[0]; i++)
		if (strlen(taken[i]) == name.len && field_name_is_alias(name, span_of(taken[i])))
			return true;
	return false;
}
