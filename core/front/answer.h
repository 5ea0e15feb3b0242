/* SPDX-License-Identifier: MIT */
/* What t3ops itself answers: health, pages that a person understands, JSON for programs.  Front. */
#ifndef T3OPS_FRONT_ANSWER_H
#define T3OPS_FRONT_ANSWER_H

#include "front/exchange.h"

/* Fills x->own_answer and its status.  headers: "Name: value" lines, NULL-terminated, may be NULL; the
 * framing, Date and Connection are ours.  0 or -EINVAL for a header that cannot be sent. */
int answer_make(struct exchange *x, int status, const char *const *headers, const void *body, size_t len);

/* The same as a page for navigations, else as JSON.  retry_seconds > 0: Retry-After, and the page
 * reloads by itself. */
int answer_explain(struct exchange *x, int status, const char *title, const char *text, unsigned retry_seconds);

/* A complete refusal for a request that could not be read; the connection ends with it. */
void answer_refusal(struct buf *out, enum gate_refusal why);

/* Whether a name and a value can stand in a head. */
bool header_is_safe(const char *name, const char *value);

#endif
