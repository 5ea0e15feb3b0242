/* SPDX-License-Identifier: MIT */
/* What Cloudflare's edge says of itself, or of what is behind it, in answers of its own.  Pure. */
#ifndef T3OPS_PLUGINS_PROBE_HTTP_EDGE_ANSWER_H
#define T3OPS_PLUGINS_PROBE_HTTP_EDGE_ANSWER_H

#include <stdbool.h>

struct edge_answer {
	int status;
	int error;         /* number in the body, "error code: 1033"; 0: with any, or none */
	bool is_of_edge;   /* it failed itself; false: what is behind it did */
	const char *words; /* what it means */
};

/* NULL: no such answer is known, or it is not the edge's.  server: the header, may be NULL; body: NUL-terminated. */
const struct edge_answer *edge_answer_find(int status, const char *server, const char *body);

#endif
