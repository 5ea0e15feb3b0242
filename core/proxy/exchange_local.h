/* SPDX-License-Identifier: MIT */
/* What t3ops responds to an exchange itself, and how that leaves: rejections, refusals in words, health.  All but
 * exchange_local_make and exchange_local_explain end the exchange.  Proxy. */
#ifndef T3OPS_PROXY_EXCHANGE_LOCAL_H
#define T3OPS_PROXY_EXCHANGE_LOCAL_H

#include "proxy/exchange_state.h"
#include "proxy/proxy_metrics.h"

/* Makes x->local, in place of an earlier one.  0 or -EINVAL for a header that cannot be sent. */
int exchange_local_make(struct exchange *x, int status, const char *const *headers, const void *body, size_t len);
int exchange_local_explain(struct exchange *x, const struct explanation *why);
/* x->local leaves. */
void exchange_local_send(struct exchange *x);

/* What the client sends is not a request, or too little of one. */
void exchange_reject(struct exchange *x, enum reject_reason why);
/* The same before there was an exchange.  with_body: not to a HEAD. */
void exchange_reject_client(struct client *c, enum reject_reason why, bool with_body);
/* In words for the person who waits; the operator learns of it if that person is signed in. */
void exchange_refuse(struct exchange *x, const struct explanation *why);
/* Nobody is signed in; the operator learns of it if a trusted proxy sent the request. */
void exchange_refuse_unidentified(struct exchange *x);
/* A WebSocket that a page may not open: the page learns that it is refused, the operator which page that was. */
void exchange_refuse_origin(struct exchange *x);

/* Cuts a response in progress for the limit of an option, and says so. */
void exchange_cut_late(struct exchange *x, enum cut_option option);
/* /healthz */
void exchange_respond_health(struct exchange *x);
/* As the final recipient of an OPTIONS that may go no further (RFC 9110 7.6.2). */
void exchange_respond_options(struct exchange *x);

#endif
