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

static void message_count(struct ws_frames *f, uint8_t first)
{
	if ((first & 0x80) && f->messages < UINT32_MAX)
		f->messages++;
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
	f->small_len = 0;
	if (op < OP_CLOSE)
		message_count(f, f->head[0]);
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

static uint8_t unmasked(const struct ws_frames *f, uint8_t byte, size_t at)
{
	return (f->head[1] & 0x80) ? byte ^ f->head[2 + length_bytes(f->head[1]) + at % 4] : byte;
}

/* The first two bytes of a close frame's payload are its code. */
static void close_code_read(struct ws_frames *f, const uint8_t *bytes, size_t n)
{
	for (size_t i = 0; i < n && f->close_len < 2; i++, f->close_len++)
		f->close_code = (uint16_t)(f->close_code << 8 | unmasked(f, bytes[i], f->close_len));
}

static bool is_small(const struct ws_frames *f)
{
	return (f->head[0] & 0x0f) <= OP_DATA_MAX && (f->head[1] & 0x7f) <= WS_SMALL_MAX;
}

static uint8_t *small_at(struct ws_frames *f)
{
	return f->head + head_size(f);
}

static void payload_read(struct ws_frames *f, const uint8_t *bytes, size_t n)
{
	if (f->closing)
		close_code_read(f, bytes, n);
	else if (is_small(f))
		for (size_t i = 0; i < n; i++, f->small_len++)
			small_at(f)[f->small_len] = unmasked(f, bytes[i], f->small_len);
}

static void frame_end(struct ws_frames *f, ws_small_cb on_small, void *arg)
{
	const uint8_t *small = small_at(f);

	f->head_len = 0;
	if (on_small && is_small(f))
		on_small(arg, f->head[0], small, f->small_len);
}

/* The same for a small frame that came whole. */
static void small_read(const uint8_t *at, ws_small_cb on_small, void *arg)
{
	size_t len = at[1] & 0x7f;
	const uint8_t *mask = at + 2;
	uint8_t payload[WS_SMALL_MAX];

	if (!(at[1] & 0x80)) {
		on_small(arg, at[0], at + 2, len);
		return;
	}
	for (size_t i = 0; i < len; i++)
		payload[i] = mask[4 + i] ^ mask[i % 4];
	on_small(arg, at[0], payload, len);
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

/* Reads on in the frame at hand; returns how many bytes that took. */
static size_t frame_read(struct ws_frames *f, const uint8_t *at, size_t n, ws_small_cb on_small, void *arg)
{
	size_t take;

	if (f->payload_left == 0) {
		take = head_take(f, at, n);
	} else {
		take = n < f->payload_left ? n : (size_t)f->payload_left;
		payload_read(f, at, take);
		f->payload_left -= take;
	}
	if (!f->garbage && f->payload_left == 0 && f->head_len >= 2 && f->head_len == head_size(f))
		frame_end(f, on_small, arg);
	return take;
}

void ws_frames_read(struct ws_frames *f, const void *bytes, size_t n, ws_small_cb on_small, void *arg)
{
	const uint8_t *at = bytes, *end = at + n;

	while (at < end && !f->garbage && !(f->closed && ws_frames_at_boundary(f))) {
		size_t take = ws_frames_at_boundary(f) ? whole_frame(at, (size_t)(end - at)) : 0;

		if (take == 0) {
			at += frame_read(f, at, (size_t)(end - at), on_small, arg);
			continue;
		}
		message_count(f, at[0]);
		if (on_small && (at[1] & 0x7f) <= WS_SMALL_MAX)
			small_read(at, on_small, arg);
		at += take;
	}
}

bool ws_frames_valid(const struct ws_frames *f)
{
	if (f->head_len > head_size(f) || f->small_len > WS_SMALL_MAX || f->close_len > 2)
		return false;
	return f->payload_left == 0 || f->closing || !is_small(f) ||
	       f->payload_left <= (uint64_t)(WS_SMALL_MAX - f->small_len);
}

bool ws_frames_at_boundary(const struct ws_frames *f)
{
	return f->payload_left == 0 && f->head_len == 0;
}
