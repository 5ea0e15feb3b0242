/* SPDX-License-Identifier: MIT */
/* Redirects; see redirect.h. */
#include "probe_sso/redirect.h"

#include <fnmatch.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

/* Length of "https://host:port"; 0: that is no such URL. */
static size_t site_len(const char *url)
{
	size_t scheme = strncasecmp(url, "https://", 8) == 0  ? 8
	                : strncasecmp(url, "http://", 7) == 0 ? 7
	                                                      : 0,
	       host = scheme > 0 ? strcspn(url + scheme, "/?#") : 0;

	return host > 0 ? scheme + host : 0;
}

/* Whether it begins with a scheme, which "a/b:c" does not. */
static bool has_scheme(const char *location)
{
	size_t len = strcspn(location, ":/?#");

	return location[len] == ':';
}

bool redirect_resolve(const char *base, const char *location, char out[URL_SIZE])
{
	size_t site = site_len(base), path = site + strcspn(base + site, "?#"), kept;
	int len = (int)strcspn(location, "#"), n;

	if (site == 0 || len == 0)
		return false;
	if (has_scheme(location)) {
		kept = 0;
	} else if (strncmp(location, "//", 2) == 0) {
		kept = (size_t)(strchr(base, ':') - base) + 1;
	} else if (location[0] == '/') {
		kept = site;
	} else if (location[0] == '?') {
		kept = path;
	} else {
		for (kept = path; kept > site && base[kept - 1] != '/';)
			kept--;
	}
	n = snprintf(out, URL_SIZE, "%.*s%s%.*s", (int)kept, base, kept == site && location[0] != '/' ? "/" : "", len,
	             location);
	if (n < 0 || n >= URL_SIZE || site_len(out) == 0)
		return false;
	for (const char *c = out; *c != '\0'; c++)
		if ((unsigned char)*c <= ' ' || *c == 0x7f)
			return false;
	return true;
}

bool redirect_fits(const char *url, const char *pattern)
{
	return pattern[0] == '\0' || fnmatch(pattern, url, FNM_NOESCAPE) == 0;
}

bool url_same_site(const char *a, const char *b)
{
	size_t len = site_len(a);

	return len > 0 && len == site_len(b) && strncasecmp(a, b, len) == 0;
}

void url_without_query(const char *url, char *out, size_t size)
{
	snprintf(out, size, "%.*s", (int)strcspn(url, "?#"), url);
}
