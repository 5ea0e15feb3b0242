/* SPDX-License-Identifier: MIT */
/* Where a Location header leads (RFC 9110 section 10.2.2), and what of it may be logged.  Pure. */
#ifndef T3OPS_PLUGINS_PROBE_SSO_REDIRECT_H
#define T3OPS_PLUGINS_PROBE_SSO_REDIRECT_H

#include <stdbool.h>
#include <stddef.h>

#define URL_SIZE 4096

/* The absolute URL of a Location in the answer to base, without its fragment; false: it is no http or https URL, or
 * too long. */
bool redirect_resolve(const char *base, const char *location, char out[URL_SIZE]);
/* Whether the URL fits the pattern, in which * stands for anything and ? for one character; "" fits all. */
bool redirect_fits(const char *url, const char *pattern);
/* Whether both have the same scheme, host and port. */
bool url_same_site(const char *a, const char *b);
/* Scheme, host and path: a query may hold a token. */
void url_without_query(const char *url, char *out, size_t size);

#endif
