/* SPDX-License-Identifier: MIT */
/* What t3ops responds itself: health, pages that a person understands, JSON for programs.  Proxy. */
#ifndef T3OPS_PROXY_LOCAL_RESPONSE_H
#define T3OPS_PROXY_LOCAL_RESPONSE_H

#include "proxy/date.h"
#include "proxy/explanation.h"
#include "proxy/request.h"

/* A complete one.  Zeroed is empty and valid. */
struct local_response {
	int status; /* 0: none was made */
	bool keep_alive;
	struct buf bytes;
};

/* Makes it, in place of an earlier one.  headers: "Name: value" lines, NULL-terminated, may be NULL; the framing,
 * Date and Connection are ours; without a Cache-Control among them nobody keeps it.  0 or -EINVAL for a header that
 * cannot be sent. */
int local_response_make(struct local_response *l, const struct request *r, struct date *date, bool keep_alive,
                        int status, const char *const *headers, const void *body, size_t len);
/* The explanation as a page for navigations, else as JSON. */
int local_response_explain(struct local_response *l, const struct request *r, struct date *date, bool keep_alive,
                           const struct explanation *why);
void local_response_fini(struct local_response *l);

/* A complete one for a request that could not be read; the connection ends with it.  with_body: not to a HEAD.
 * browser: somebody may look at it, so that what a person can do about it is said. */
void local_response_reject(struct buf *out, struct date *date, enum reject_reason why, bool with_body, bool browser);

/* Whether a name and a value can stand in a head. */
bool header_is_safe(const char *name, const char *value);

#endif
