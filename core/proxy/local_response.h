/* SPDX-License-Identifier: MIT */
/* What t3ops itself answers: health, pages that a person understands, JSON for programs.  Proxy. */
#ifndef T3OPS_PROXY_LOCAL_RESPONSE_H
#define T3OPS_PROXY_LOCAL_RESPONSE_H

#include "proxy/exchange.h"

/* Fills x->local_response and its status.  headers: "Name: value" lines, NULL-terminated, may be NULL; the
 * framing, Date and Connection are ours.  0 or -EINVAL for a header that cannot be sent. */
int local_response_make(struct exchange *x, int status, const char *const *headers, const void *body, size_t len);

#define RETRY_SECONDS 3 /* for what passes by itself */

/* Why there is no other answer, in words for the person who waits for it. */
struct explanation {
	const char *title, *text;
	unsigned retry_seconds; /* > 0: Retry-After, and the page reloads by itself */
	uint64_t since_us;      /* of the wall clock: how long it has been so; 0: that is not the point */
};

/* The explanation as a page for navigations, else as JSON. */
int local_response_explain(struct exchange *x, int status, const struct explanation *why);

/* A complete refusal for a request that could not be read; the connection ends with it.  with_body: not to a HEAD. */
void local_response_reject(struct proxy *f, struct buf *out, enum reject_reason why, bool with_body);

/* Whether a name and a value can stand in a head. */
bool header_is_safe(const char *name, const char *value);

#endif
