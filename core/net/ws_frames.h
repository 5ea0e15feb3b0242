/* SPDX-License-Identifier: MIT */
/*
 * Follows one direction of a WebSocket (RFC 6455 section 5.2) without touching its bytes: counts
 * messages and notices the close frame; what comes behind that is nobody's (a t3 server that stops sends
 * a raw HTTP answer there).  What it cannot follow it calls garbage, once, and then leaves alone: the
 * tunnel passes it all the same.  Plain struct, movable between processes.  Pure.
 */
#ifndef T3OPS_NET_WS_FRAMES_H
#define T3OPS_NET_WS_FRAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define WS_SMALL_MAX 24 /* t3's own pings, answers and acknowledgements, compressed or not */
#define WS_HEAD_MAX  14

/* A whole data frame of at most WS_SMALL_MAX bytes: the first byte of its head (FIN, RSV1, opcode) and its payload,
 * unmasked; borrowed until it returns. */
typedef void (*ws_small_cb)(void *arg, uint8_t first, const uint8_t *payload, size_t len);

/* Zeroed is ready.  There are two for every tunnel, and two more in the table of tunnels: it is kept short. */
struct ws_frames {
	uint64_t payload_left;          /* of the frame at hand */
	uint32_t messages;              /* counted up to UINT32_MAX */
	uint16_t close_code;            /* 0: none was given */
	uint8_t head[6 + WS_SMALL_MAX]; /* of the frame at hand, as far as it came; behind that of a small one, which
	                                   has at most 6 bytes, its payload */
	uint8_t head_len;
	uint8_t close_len; /* bytes of the close frame's code that came */
	uint8_t small_len; /* bytes of a small frame's payload that came */
	bool closing : 1;  /* the frame at hand is a close frame */
	bool closed : 1;
	bool garbage : 1;
};

/* on_small (may be NULL) sees every small data frame that these bytes complete. */
void ws_frames_read(struct ws_frames *f, const void *bytes, size_t n, ws_small_cb on_small, void *arg);
/* Whether it can be: of one that another process left. */
bool ws_frames_valid(const struct ws_frames *f);
/* Whether nothing of a frame is missing. */
bool ws_frames_at_boundary(const struct ws_frames *f);

#endif
