/* SPDX-License-Identifier: MIT */
/*
 * Reads a chunked body (RFC 9112 section 7.1) only to know where it ends and that it is well formed;
 * its bytes pass as they are, but to a client that knows no chunks.  Stricter than the RFC where leniency has been
 * used for smuggling: no bare LF, no white space around sizes, trailers named as fields are, all of it bounded. Pure.
 */
#ifndef T3OPS_NET_HTTP_CHUNKED_H
#define T3OPS_NET_HTTP_CHUNKED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*   SIZE -> [EXT] -> SIZE_LF -> DATA -> DATA_CR -> DATA_LF -> SIZE ...
 *   a size of 0: SIZE_LF -> TRAILER_START -> (TRAILER_NAME -> TRAILER -> TRAILER_LF)* -> END_LF -> DONE
 */
enum chunked_state {
	CHUNKED_SIZE,
	CHUNKED_EXT,
	CHUNKED_SIZE_LF,
	CHUNKED_DATA,
	CHUNKED_DATA_CR,
	CHUNKED_DATA_LF,
	CHUNKED_TRAILER_START,
	CHUNKED_TRAILER_NAME,
	CHUNKED_TRAILER,
	CHUNKED_TRAILER_LF,
	CHUNKED_END_LF,
	CHUNKED_DONE,
	CHUNKED_BAD,
};

/* Zeroed is ready. */
struct chunked {
	enum chunked_state state;
	uint64_t left; /* of the size or the data at hand */
	unsigned digits;
	unsigned overhead; /* bytes of extensions and trailers so far */
};

/* Reads up to n bytes; returns how many belong to the body.  Less than n only when state is DONE or BAD. */
size_t chunked_read(struct chunked *c, const char *bytes, size_t n);
/* The same; moves what the chunks hold to the front of bytes, *data of them. */
size_t chunked_decode(struct chunked *c, char *bytes, size_t n, size_t *data);

#endif
