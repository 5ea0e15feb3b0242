/* SPDX-License-Identifier: MIT */
/* Requests of browsers; see navigation.h. */
#include "common/navigation.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/cookies.h"
#include "common/marker.h"

#define LOCATION_MAX (16u << 10)
#define HELD_RETRY_S 3

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
	return accept && strcasestr(accept, "text/html") && host->request_site(ctx, r) != T3OPS_SITE_OTHER;
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

bool request_is_foreign(struct t3ops_ctx *ctx, t3ops_request_id r)
{
	return ctx->host->request_site(ctx, r) == T3OPS_SITE_OTHER && !request_is_navigation(ctx, r);
}

bool request_is_wanted(struct t3ops_ctx *ctx, t3ops_request_id r)
{
	return ctx->host->request_site(ctx, r) == T3OPS_SITE_OURS || request_is_navigation(ctx, r);
}

bool request_is_pairing_screen(struct t3ops_ctx *ctx, t3ops_request_id r)
{
	const char *target = ctx->host->request_target(ctx, r);
	size_t len = sizeof PAIRING_SCREEN - 1;

	return target && strncmp(target, PAIRING_SCREEN, len) == 0 && strchr("/?", target[len]);
}

static int redirect(struct t3ops_ctx *ctx, t3ops_request_id r, const char *target, const char *set_cookie)
{
	char path[LOCATION_MAX], location[LOCATION_MAX + 16];
	const char *const headers[] = {location, "cache-control: no-store", NULL};
	int error = 0;

	if (!location_make(target, path, sizeof path))
		return -EMSGSIZE;
	snprintf(location, sizeof location, "location: %s", path);
	if (set_cookie)
		error = ctx->host->request_add_response_header(ctx, r, "set-cookie", set_cookie);
	return error < 0 ? error : ctx->host->request_respond(ctx, r, 302, headers, "", 0);
}

int request_redirect_to_itself(struct t3ops_ctx *ctx, t3ops_request_id r, const char *set_cookie)
{
	const char *target = ctx->host->request_target(ctx, r);
	char marked[LOCATION_MAX];

	if (!target)
		return -ESTALE;
	if (!marker_add(target, ctx->host->wall_us(ctx), marked, sizeof marked))
		return -EMSGSIZE;
	return redirect(ctx, r, marked, set_cookie);
}

void request_explain_held(struct t3ops_ctx *ctx, t3ops_request_id r)
{
	static const struct t3ops_page page = {
	    .struct_size = sizeof page,
	    .status = 503,
	    .title = "Your t3 server is being upgraded or restored",
	    .text = "t3ops stops it, changes its version or its database, and starts it again. This page reloads "
	            "until it is there.",
	    .retry_s = HELD_RETRY_S};

	ctx->host->request_explain(ctx, r, &page);
}

int request_redirect_unmarked(struct t3ops_ctx *ctx, t3ops_request_id r)
{
	const char *target = ctx->host->request_target(ctx, r);
	char unmarked[LOCATION_MAX];

	if (!target)
		return -ESTALE;
	return marker_remove(target, unmarked, sizeof unmarked) ? redirect(ctx, r, unmarked, NULL) : -EMSGSIZE;
}

int request_marker(struct t3ops_ctx *ctx, t3ops_request_id r)
{
	const char *target = ctx->host->request_target(ctx, r);

	return target ? marker_read(target, ctx->host->wall_us(ctx)) : MARKER_NONE;
}

void request_resume_with_session(struct t3ops_ctx *ctx, t3ops_request_id r, const char *cookie_name,
                                 const char *set_cookie)
{
	const struct t3ops_host *host = ctx->host;
	char *cookies = cookies_replace(host->request_header(ctx, r, "Cookie"), cookie_name, set_cookie);

	if (cookies) {
		host->request_set_header(ctx, r, "cookie", cookies);
		host->request_add_response_header(ctx, r, "set-cookie", set_cookie);
		explicit_bzero(cookies, strlen(cookies));
	}
	free(cookies);
	host->request_resume(ctx, r);
}
