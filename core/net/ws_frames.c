/* SPDX-License-Identifier: MIT */
/* Following frames; see ws_frames.h. */
#include "net/ws_frames.h"

#include <string.h>

#define OP_DATA_MAX 2
#define OP_CLOSE    8
#define OP_MAX      10
#define SHORT_MAX   125 /* a larger length is in the bytes that follow */

static size_t length_bytes(uint8_t second)
{
	unsigned len = second & 0x7f;

	return len <= SHORT_MAX ? 0 : len == SHORT_MAX + 1 ? 2 : 8;
}

static size_t head_size(const struct ws_frames *f)
{
	if (f->head_len < 2)
		return 2;
	return 2 + length_bytes(f->head[1]) + ((f->head[1] & 0x80) ? 4 : 0);
}

static uint64_t payload_size(const uint8_t *head)
{
	size_t n = length_bytes(head[1]);
	uint64_t size = 0;

	if (n == 0)
		return head[1] & 0x7f;
	for (size_t i = 0; i < n; i++)
		size = size << 8 | head[2 + i];
	return size;
}

static bool op_is_known(uint8_t op)
{
	return op <= OP_DATA_MAX || (op >= OP_CLOSE && op <= OP_MAX);
}

static void head_complete(struct ws_frames *f)
{
	uint8_t op = f->head[0] & 0x0f;

	f->payload_left = payload_size(f->head);
	if (!op_is_known(op) || f->payload_left >> 63 || (op >= OP_CLOSE && f->payload_left > SHORT_MAX)) {
		f->garbage = true;
		return;
	}
	f->closing = op == OP_CLOSE;
	f->closed = f->closed || f->closing;
	if (op < OP_CLOSE && (f->head[0] & 0x80))
		f->messages++;
	if (f->payload_left == 0)
		f->head_len = 0;
}

/* Of n bytes those that belong to the head: its first two, which report its size, or the rest of it. */
static size_t head_take(struct ws_frames *f, const uint8_t *bytes, size_t n)
{
	size_t missing = head_size(f) - f->head_len, take = missing < n ? missing : n;

	memcpy(f->head + f->head_len, bytes, take);
	f->head_len += (uint8_t)take;
	if (f->head_len >= 2 && f->head_len == head_size(f))
		head_complete(f);
	return take;
}

/* The first two bytes of a close frame's payload are its code. */
static void close_code_read(struct ws_frames *f, const uint8_t *bytes, size_t n)
{
	const uint8_t *mask = f->head + 2 + length_bytes(f->head[1]);
	bool masked = f->head[1] & 0x80;

	for (size_t i = 0; i < n && f->close_len < 2; i++, f->close_len++) {
		uint8_t byte = masked ? bytes[i] ^ mask[f->close_len] : bytes[i];

		f->close_code = (uint16_t)(f->close_code << 8 | byte);
	}
}

/* The size of the frame that begins here if it is what nearly all are: short, data, and whole; else 0. */
static size_t whole_frame(const uint8_t *at, size_t n)
{
	size_t len, size;

	if (n < 2 || (at[0] & 0x0f) > OP_DATA_MAX)
		return 0;
	len = at[1] & 0x7f;
	size = 2 + len + ((at[1] & 0x80) ? 4 : 0);
	return len <= SHORT_MAX && size <= n ? size : 0;
}

void ws_frames_read(struct ws_frames *f, const void *bytes, size_t n)
{
	const uint8_t *at = bytes, *end = at + n;

	while (at < end && !f->garbage) {
		size_t take;

		if (f->payload_left == 0) {
			take = f->head_len == 0 ? whole_frame(at, (size_t)(end - at)) : 0;
			if (take > 0)
				f->messages += at[0] >> 7;
			else
				take = head_take(f, at, (size_t)(end - at));
			at += take;
			continue;
		}
		take = (uint64_t)(end - at) < f->payload_left ? (size_t)(end - at) : (size_t)f->payload_left;
		if (f->closing)
			close_code_read(f, at, take);
		f->payload_left -= take;
		at += take;
		if (f->payload_left == 0)
			f->head_len = 0;
	}
}

bool ws_frames_at_boundary(const struct ws_frames *f)
{
	return f->payload_left == 0 && f->head_len == 0;
}
