/* SPDX-License-Identifier: MIT */
/* /ws; see websocket.h. */
#include "lab/t3/websocket.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "lab/t3/deflate.h"
#include "lab/t3/rpc.h"

#define GUID        "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
#define MESSAGE_MAX (16u << 20)

enum { FIN = 0x80, DEFLATED = 0x40, RESERVED = 0x30 };
enum { OP_CONTINUATION = 0, OP_TEXT = 1, OP_CLOSE = 8, OP_PING = 9, OP_PONG = 10 };

struct frame {
	int op;
	bool fin, deflated;
	char *data;
	size_t len;
};

/* flags: FIN, and DEFLATED where it is. */
static void frame_send(struct conn *c, int flags, int op, const void *data, size_t len)
{
	uint8_t head[10] = {(uint8_t)(flags | op)};
	size_t n = 2;

	if (len < 126) {
		head[1] = (uint8_t)len;
	} else if (len < 65536) {
		head[1] = 126;
		head[2] = (uint8_t)(len >> 8);
		head[3] = (uint8_t)len;
		n = 4;
	} else {
		head[1] = 127;
		for (int i = 0; i < 8; i++)
			head[2 + i] = (uint8_t)((uint64_t)len >> (56 - 8 * i));
		n = 10;
	}
	conn_send(c, head, n);
	if (len > 0)
		conn_send(c, data, len);
}

void websocket_send(struct conn *c, const char *text, size_t len)
{
	struct buffer packed = {0};

	if (!c->deflater || len < (size_t)c->server->switches.deflate_min) {
		frame_send(c, FIN, OP_TEXT, text, len);
		return;
	}
	deflater_pack(c->deflater, text, len, &packed);
	frame_send(c, FIN | DEFLATED, OP_TEXT, packed.data, packed.len);
	free(packed.data);
}

void websocket_close(struct conn *c, int code)
{
	uint8_t data[2] = {(uint8_t)(code >> 8), (uint8_t)code};

	if (!c->closing)
		frame_send(c, FIN, OP_CLOSE, data, code ? 2 : 0);
	conn_close_after(c);
}

void websocket_goodbye(struct conn *c)
{
	static const char raw[] = "HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\n"
	                          "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n";

	if (c->closing)
		return;
	frame_send(c, FIN, OP_CLOSE, NULL, 0);
	conn_send(c, raw, sizeof raw - 1);
	conn_close_after(c);
}

void websocket_on_chunk(struct ev_loop *loop, ev_timer *w, int events)
{
	struct conn *c = w->data;

	(void)events;
	if (!c->server->websockets_mute)
		rpc_chunk_send(c);
	if (c->subscription.left <= 0)
		ev_timer_stop(loop, w);
	if (c->gone)
		conn_free(c);
}

void websocket_accept(struct conn *c, const struct request *r)
{
	char key[128] = "", joined[200], accept[32], value[512], extra[600] = "", head[1024];
	uint8_t sum[20];
	int n;

	request_header(r, "sec-websocket-key", 0, key, sizeof key);
	snprintf(joined, sizeof joined, "%s" GUID, key);
	token_sha1(joined, strlen(joined), sum);
	token_base64(sum, sizeof sum, false, accept);
	if (request_header(r, "sec-websocket-protocol", 0, value, sizeof value))
		snprintf(extra, sizeof extra, "Sec-WebSocket-Protocol: %.*s\r\n", (int)strcspn(value, ", "), value);
	if (c->server->profile->deflate && request_header(r, "sec-websocket-extensions", 0, value, sizeof value) &&
	    strstr(value, "permessage-deflate")) {
		strcat(extra, "Sec-WebSocket-Extensions: permessage-deflate\r\n");
		c->deflater = deflater_new();
	}
	n = snprintf(head, sizeof head,
	             "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
	             "Sec-WebSocket-Accept: %s\r\n%s\r\n",
	             accept, extra);
	conn_send(c, head, (size_t)n);
	c->state = CONN_WEBSOCKET;
}

/* ---- frames */

static void message_answer(struct conn *c, const struct buffer *message)
{
	if (!c->server->websockets_mute)
		rpc_answer(c, message->data, message->len);
}

/* The last fragment is there. */
static void message_end(struct conn *c)
{
	struct buffer plain = {0};

	if (!c->message_deflated)
		message_answer(c, &c->message);
	else if (deflater_unpack(c->deflater, c->message.data, c->message.len, MESSAGE_MAX, &plain))
		message_answer(c, &plain);
	else
		websocket_close(c, 1007);
	free(plain.data);
	c->message.len = 0;
}

static void frame_answer(struct conn *c, const struct frame *f)
{
	switch (f->op) {
	case OP_PING:
		frame_send(c, FIN, OP_PONG, f->data, f->len);
		break;
	case OP_PONG:
		break;
	case OP_CLOSE:
		frame_send(c, FIN, OP_CLOSE, f->data, f->len < 2 ? 0 : 2);
		conn_close_after(c);
		break;
	default:
		if (f->op != OP_CONTINUATION)
			c->message_deflated = f->deflated;
		buffer_add(&c->message, f->data, f->len);
		if (f->fin)
			message_end(c);
	}
}

/* Reads one frame at the head of the buffer and unmasks it.  Bytes taken, 0: more is needed,
 * negative: not a client's frame. */
static ssize_t frame_read(char *buf, size_t len, bool may_deflate, struct frame *f)
{
	const uint8_t *p = (const uint8_t *)buf;
	size_t head = 2, size;

	if (len < 2)
		return 0;
	if (!(p[1] & 0x80) || (p[0] & RESERVED) || ((p[0] & DEFLATED) && !may_deflate))
		return -1;
	size = p[1] & 0x7f;
	if (size >= 126) {
		size_t bytes = size == 126 ? 2 : 8;

		if (len < 2 + bytes)
			return 0;
		size = 0;
		for (size_t i = 0; i < bytes; i++)
			size = size << 8 | p[2 + i];
		head += bytes;
	}
	if (size > MESSAGE_MAX)
		return -1;
	if (len < head + 4 + size)
		return 0;
	f->op = p[0] & 15;
	f->fin = p[0] & FIN;
	f->deflated = p[0] & DEFLATED;
	f->data = buf + head + 4;
	f->len = size;
	for (size_t i = 0; i < size; i++)
		f->data[i] = (char)(f->data[i] ^ buf[head + i % 4]);
	return (ssize_t)(head + 4 + size);
}

void websocket_feed(struct conn *c)
{
	while (c->in.len > 0 && !c->closing && !c->gone) {
		struct frame f = {0};
		ssize_t n = frame_read(c->in.data, c->in.len, c->deflater != NULL, &f);

		if (n == 0)
			return;
		if (n < 0) {
			websocket_close(c, 1002);
			return;
		}
		frame_answer(c, &f);
		buffer_drop(&c->in, (size_t)n);
	}
}
