/* SPDX-License-Identifier: MIT */
/* /ws; see websocket.h. */
#include "lab/t3/websocket.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define GUID      "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
#define FRAME_MAX (16u << 20)

enum { OP_CONTINUATION = 0, OP_TEXT = 1, OP_CLOSE = 8, OP_PING = 9, OP_PONG = 10 };

struct frame {
	int op;
	bool fin, compressed;
	char *data;
	size_t len;
};

static void frame_send(struct conn *c, int op, const void *data, size_t len)
{
	uint8_t head[10] = {(uint8_t)(0x80 | op)};
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

void websocket_close(struct conn *c, int code)
{
	uint8_t data[2] = {(uint8_t)(code >> 8), (uint8_t)code};

	if (!c->closing)
		frame_send(c, OP_CLOSE, data, code ? 2 : 0);
	conn_close_after(c);
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
	    strstr(value, "permessage-deflate"))
		strcat(extra, "Sec-WebSocket-Extensions: permessage-deflate\r\n");
	n = snprintf(head, sizeof head,
	             "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
	             "Sec-WebSocket-Accept: %s\r\n%s\r\n",
	             accept, extra);
	conn_send(c, head, (size_t)n);
	c->state = CONN_WEBSOCKET;
}

/* ---- messages */

static void json_send(struct conn *c, json_t *message)
{
	char *text = json_dumps(message, JSON_COMPACT);

	if (text)
		frame_send(c, OP_TEXT, text, strlen(text));
	free(text);
	json_decref(message);
}

static void exit_send(struct conn *c, const char *id, json_t *value)
{
	json_send(c, json_pack("{s:s, s:s, s:{s:s, s:o}}", "_tag", "Exit", "requestId", id, "exit", "_tag", "Success",
	                       "value", value));
}

static void unknown_send(struct conn *c, const char *id, const char *tag)
{
	char text[200];

	snprintf(text, sizeof text, "Unknown request tag: %s", tag);
	if (c->server->profile->unknown_tag_is_exit)
		json_send(c, json_pack("{s:s, s:s, s:{s:s, s:{s:s, s:s}}}", "_tag", "Exit", "requestId", id, "exit",
		                       "_tag", "Failure", "cause", "_tag", "Die", "defect", text));
	else
		json_send(c, json_pack("{s:s, s:s}", "_tag", "Defect", "defect", text));
}

/* The requests the lab uses; stub.echo is ours and gives its payload back. */
static void request_answer(struct conn *c, const json_t *message)
{
	const char *tag = json_string_value(json_object_get(message, "tag"));
	const char *id = json_string_value(json_object_get(message, "id"));

	tag = tag ? tag : "";
	id = id ? id : "";
	if (strcmp(tag, "server.getSettings") == 0)
		exit_send(c, id, json_pack("{s:s}", "theme", "system"));
	else if (strcmp(tag, "stub.echo") == 0)
		exit_send(c, id, json_deep_copy(json_object_get(message, "payload")));
	else if (strcmp(tag, "subscribeServerLifecycle") == 0)
		json_send(c, json_pack("{s:s, s:s, s:[{s:i, s:i, s:s, s:{}}]}", "_tag", "Chunk", "requestId", id,
		                       "values", "version", 1, "sequence", 1, "type", "welcome", "payload"));
	else
		unknown_send(c, id, tag);
}

static void message_answer(struct conn *c, const char *data, size_t len)
{
	json_t *message = json_loadb(data, len, 0, NULL);
	const char *tag = json_string_value(json_object_get(message, "_tag"));

	if (!message)
		json_send(c, json_pack("{s:s, s:{s:s, s:s}}", "_tag", "Defect", "defect", "message",
		                       "Unexpected token in JSON at position 0", "name", "SyntaxError"));
	else if (tag && strcmp(tag, "Ping") == 0)
		json_send(c, json_pack("{s:s}", "_tag", "Pong"));
	else if (tag && strcmp(tag, "Request") == 0)
		request_answer(c, message);
	json_decref(message);
}

/* ---- frames */

static void frame_answer(struct conn *c, const struct frame *f)
{
	switch (f->op) {
	case OP_PING:
		frame_send(c, OP_PONG, f->data, f->len);
		break;
	case OP_PONG:
		break;
	case OP_CLOSE:
		frame_send(c, OP_CLOSE, f->data, f->len < 2 ? 0 : 2);
		conn_close_after(c);
		break;
	default:
		buffer_add(&c->message, f->data, f->len);
		if (f->fin) {
			message_answer(c, c->message.data, c->message.len);
			c->message.len = 0;
		}
	}
}

/* Reads one frame at the head of the buffer and unmasks it.  Bytes taken, 0: more is needed,
 * negative: not a client's frame. */
static ssize_t frame_read(char *buf, size_t len, struct frame *f)
{
	const uint8_t *p = (const uint8_t *)buf;
	size_t head = 2, size;

	if (len < 2)
		return 0;
	if (!(p[1] & 0x80) || (p[0] & 0x30))
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
	if (size > FRAME_MAX)
		return -1;
	if (len < head + 4 + size)
		return 0;
	f->op = p[0] & 15;
	f->fin = p[0] & 0x80;
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
		ssize_t n = frame_read(c->in.data, c->in.len, &f);

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
