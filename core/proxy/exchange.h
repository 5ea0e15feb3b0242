/* SPDX-License-Identifier: MIT */
/*
 * The story of one request and its response: read, past the plugins, to the t3 server of its user, and back.
 * exchange_state.h draws its states.  Proxy.
 */
#ifndef T3OPS_PROXY_EXCHANGE_H
#define T3OPS_PROXY_EXCHANGE_H

#include "proxy/exchange_state.h"

/* For clients_new. */
extern const struct client_owner exchange_client_owner;
/* For upstream_adopt, with an exchange. */
extern const struct upstream_owner exchange_upstream_owner;

/* What plugins do with it (request_services.c), in their turn or while it waits for them.  They have an effect once
 * the plugin's callback has returned, at once if none is running. */

/* NULL: it is over, or a plugin has decided about it already. */
struct exchange *exchange_find(const struct exchanges *all, t3ops_request_id id);
/* Whether plugins can still decide about it: it is not on its way to the t3 server. */
bool exchange_is_undecided(const struct exchange *x);
/* 0 or -EINVAL for a header that cannot be sent. */
int exchange_respond(struct exchange *x, int status, const char *const *headers, const void *body, size_t len);
int exchange_explain(struct exchange *x, const struct explanation *why);
void exchange_resume(struct exchange *x);
/* The client's connection becomes that WebSocket's. */
void exchange_take(struct exchange *x, struct t3ops_ws *ws);

#endif
