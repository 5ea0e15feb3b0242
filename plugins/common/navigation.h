/* SPDX-License-Identifier: MIT */
/* Requests of browsers, for plugins that pair them. */
#ifndef T3OPS_PLUGINS_COMMON_NAVIGATION_H
#define T3OPS_PLUGINS_COMMON_NAVIGATION_H

#include "plugin.h"

#define PAIRING_SCREEN "/pair" /* t3's own, where a person types a code */
#define PAIRING_LINK   "Pair by hand, with a code"

/* Somebody opens a page: GET, for a document by Sec-Fetch-Dest, or for text/html by Accept where no page of another
 * site is known to have asked. */
bool request_is_navigation(struct t3ops_ctx *ctx, t3ops_request_id r);
/* It brings a credential of its own: Authorization, or a WebSocket ticket in its query. */
bool request_has_credential(struct t3ops_ctx *ctx, t3ops_request_id r);
/* It is for t3's pairing screen. */
bool request_is_pairing_screen(struct t3ops_ctx *ctx, t3ops_request_id r);

/* Somebody opens a page, or a page of this very site asks: nobody else may have a user signed in. */
bool request_is_wanted(struct t3ops_ctx *ctx, t3ops_request_id r);
/* Another site's page is known to have caused it, and it does not open a page itself. */
bool request_is_foreign(struct t3ops_ctx *ctx, t3ops_request_id r);

/* 302 to the page that was asked for, marked (marker.h), with that Set-Cookie value.  0 or -errno. */
int request_redirect_to_itself(struct t3ops_ctx *ctx, t3ops_request_id r, const char *set_cookie);
/* 302 to the page without the mark. */
int request_redirect_unmarked(struct t3ops_ctx *ctx, t3ops_request_id r);
/* Answers one that cannot be paired now (T3OPS_PAIR_HELD). */
void request_explain_held(struct t3ops_ctx *ctx, t3ops_request_id r);
/* What its URL carries (enum marker). */
int request_marker(struct t3ops_ctx *ctx, t3ops_request_id r);
/* Goes on with that session: the stale cookie goes, the new one takes its place, on the way to the t3 server and on
 * the way to the browser. */
void request_resume_with_session(struct t3ops_ctx *ctx, t3ops_request_id r, const char *cookie_name,
                                 const char *set_cookie);

/* A target as a Location on this host: "//other.example/" would lead away.  False if it does not fit. */
bool location_make(const char *target, char *out, size_t size);
/* Whether the query holds that parameter. */
bool query_has(const char *target, const char *name);

#endif
