/* SPDX-License-Identifier: MIT */
/*
 * Short WebSocket messages (RFC 6455, server side) without a context: what nearly all are, one whole frame of at most
 * 125 bytes.  Everything else, and every fault, is left to whoever knows all frames.  Pure.
 */
#ifndef T3OPS_NET_WS_SHORT_H
#define T3OPS_NET_WS_SHORT_H

#include <stdbool.h>
#include <stddef.h>

#include "sys/buf.h"

#define WS_SHORT_MAX 125

struct ws_short {
	size_t frame_len; /* of the bytes that it came in */
	int op;           /* text or binary */
	size_t len;
	char payload[WS_SHORT_MAX + 3]; /* unmasked; a NUL follows */
};

/* The message that the bytes begin with: text, which is UTF-8, or binary, unfragmented and masked.  False: they begin
 * with something else, or with a part of one. */
bool ws_short_read(struct ws_short *out, const char *bytes, size_t n);

/* Adds a message of a server in one frame, of any length; false without memory. */
bool ws_frame_add(struct buf *out, int op, const void *data, size_t len);

#endif
