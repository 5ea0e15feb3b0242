/* SPDX-License-Identifier: MIT */
/* What kind of request it is, for plugins that pair browsers. */
#ifndef T3OPS_PLUGINS_COMMON_NAVIGATION_H
#define T3OPS_PLUGINS_COMMON_NAVIGATION_H

#include "plugin.h"

/* Somebody opens a page: GET, for a document as Sec-Fetch-Dest says, or for text/html by Accept. */
bool request_is_navigation(struct t3ops_ctx *ctx, t3ops_request_id r);
/* It brings a credential of its own: Authorization, or a WebSocket ticket in its query. */
bool request_has_credential(struct t3ops_ctx *ctx, t3ops_request_id r);

/* 302 to the page that was asked for, with that Set-Cookie value.  0 or -errno. */
int request_redirect_to_itself(struct t3ops_ctx *ctx, t3ops_request_id r, const char *set_cookie);

/* A target as a Location on this host: "//other.example/" would lead away.  False if it does not fit. */
bool location_make(const char *target, char *out, size_t size);
/* Whether the query holds that parameter. */
bool query_has(const char *target, const char *name);

#endif
