/* SPDX-License-Identifier: MIT */
/* The bodies of an exchange in both directions, and the instance's answer.  Proxy; for exchange.c. */
#ifndef T3OPS_PROXY_RESPONSE_H
#define T3OPS_PROXY_RESPONSE_H

#include "proxy/exchange.h"

/* What of the request's body came along with its head. */
void request_early_feed(struct exchange *x);
/* The instance's connection is readable. */
void response_read(struct exchange *x);
/* The client took all that was queued for it: goes on with what came, and reads on. */
void response_resume(struct exchange *x);

/* exchange.c: the instance's connection ended with that negative errno; the answer is complete. */
void response_lost(struct exchange *x, int error);
void response_done(struct exchange *x);

#endif
