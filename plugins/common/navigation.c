/* SPDX-License-Identifier: MIT */
/* What kind of request it is; see navigation.h. */
#include "common/navigation.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define LOCATION_MAX (16u << 10)

bool request_is_navigation(struct t3ops_ctx *ctx, t3ops_request_id r)
{
	const struct t3ops_host *host = ctx->host;
	const char *method = host->request_method(ctx, r), *dest, *accept;

	if (!method || strcmp(method, "GET") != 0 || host->request_is_upgrade(ctx, r))
		return false;
	dest = host->request_header(ctx, r, "Sec-Fetch-Dest");
	if (dest)
		return strcasecmp(dest, "document") == 0;
	accept = host->request_header(ctx, r, "Accept");
	return accept && strcasestr(accept, "text/html");
}

bool query_has(const char *target, const char *name)
{
	const char *at = strchr(target, '?');
	size_t len = strlen(name);

	while (at) {
		at++;
		if (strncmp(at, name, len) == 0 && (at[len] == '=' || at[len] == '&' || at[len] == '\0'))
			return true;
		at = strchr(at, '&');
	}
	return false;
}

bool request_has_credential(struct t3ops_ctx *ctx, t3ops_request_id r)
{
	const char *target = ctx->host->request_target(ctx, r);

	return ctx->host->request_header(ctx, r, "Authorization") ||
	       (target && (query_has(target, "wsTicket") || query_has(target, "wsToken")));
}

bool location_make(const char *target, char *out, size_t size)
{
	int len;

	target += strspn(target, "/\\");
	len = snprintf(out, size, "/%s", target);
	return len > 0 && (size_t)len < size;
}

int request_redirect_to_itself(struct t3ops_ctx *ctx, t3ops_request_id r, const char *set_cookie)
{
	const char *target = ctx->host->request_target(ctx, r);
	char path[LOCATION_MAX], location[LOCATION_MAX + 16];
	const char *const headers[] = {location, "cache-control: no-store", NULL};
	int error;

	if (!target)
		return -ESTALE;
	if (!location_make(target, path, sizeof path))
		return -EMSGSIZE;
	snprintf(location, sizeof location, "location: %s", path);
	error = ctx->host->request_add_response_header(ctx, r, "set-cookie", set_cookie);
	return error < 0 ? error : ctx->host->request_respond(ctx, r, 302, headers, "", 0);
}
