/* SPDX-License-Identifier: MIT */
/*
 * Follows one direction of a WebSocket (RFC 6455 section 5.2) without touching its bytes: counts
 * messages and notices the close frame.  What it cannot follow it calls garbage, once, and then leaves
 * alone: the tunnel passes it all the same.  Plain struct, movable between processes.  Pure.
 */
#ifndef T3OPS_NET_WS_FRAMES_H
#define T3OPS_NET_WS_FRAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Zeroed is ready. */
struct ws_frames {
	uint64_t payload_left; /* of the frame at hand */
	uint64_t messages;
	uint8_t head[14]; /* of the next frame, as far as it came */
	uint8_t head_len;
	uint8_t close_len; /* bytes of the close frame's code that came */
	bool closing;      /* the frame at hand is a close frame */
	bool closed, garbage;
	uint16_t close_code; /* 0: none was given */
};

void ws_frames_read(struct ws_frames *f, const void *bytes, size_t n);
/* Whether nothing of a frame is missing. */
bool ws_frames_at_boundary(const struct ws_frames *f);

#endif
