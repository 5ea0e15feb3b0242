/* SPDX-License-Identifier: MIT */
/* One HTTP request as the stand-in reads it: lenient, for well-meaning peers of the lab. */
#ifndef T3STUB_REQUEST_H
#define T3STUB_REQUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct request {
	char method[16];
	char path[1024];
	char query[1024];
	bool http10;
	bool keep_alive;
	bool expects_continue; /* set with -EAGAIN: the head is there, the body is not */
	char *head;            /* header lines, NUL-terminated, owned by the buffer */
	char *body;
	size_t body_len;
};

/* Reads one request from the buffer, which it may change (chunks are joined in place) once the
 * request is whole.  Returns the bytes it took, -EAGAIN (more is needed) or -EPROTO. */
ssize_t request_read(struct request *r, char *buf, size_t len);

/* Value of the nth header of that name into out; false if there is none or it is too long. */
bool request_header(const struct request *r, const char *name, int nth, char *out, size_t size);
/* Value of the first cookie of that name. */
bool request_cookie(const struct request *r, const char *name, char *out, size_t size);
/* Value of a query parameter. */
bool request_query(const struct request *r, const char *name, char *out, size_t size);

#endif
