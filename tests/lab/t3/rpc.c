/* SPDX-License-Identifier: MIT */
/*
 * Messages; see rpc.h.  The requests stub.* are the lab's own: stub.echo gives its payload back,
 * stub.bytes answers with as many bytes as asked for ({"bytes": N}), stub.chunks sends so many chunks
 * ({"every_ms": N, "bytes": N, "count": N}), which the client acknowledges.
 */
#include "lab/t3/rpc.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lab/t3/websocket.h"

static void json_send(struct conn *c, json_t *message)
{
	char *text = json_dumps(message, JSON_COMPACT);

	if (text)
		websocket_send(c, text, strlen(text));
	free(text);
	json_decref(message);
}

/* id, a string or a number, goes back as it came; borrowed. */
static void exit_send(struct conn *c, json_t *id, json_t *value)
{
	json_send(c, json_pack("{s:s, s:O, s:{s:s, s:o}}", "_tag", "Exit", "requestId", id, "exit", "_tag", "Success",
	                       "value", value));
}

static void unknown_send(struct conn *c, json_t *id, const char *tag)
{
	char text[200];

	snprintf(text, sizeof text, "Unknown request tag: %s", tag);
	if (c->server->profile->unknown_tag_is_exit)
		json_send(c, json_pack("{s:s, s:O, s:{s:s, s:{s:s, s:s}}}", "_tag", "Exit", "requestId", id, "exit",
		                       "_tag", "Failure", "cause", "_tag", "Die", "defect", text));
	else
		json_send(c, json_pack("{s:s, s:s}", "_tag", "Defect", "defect", text));
}

/* A JSON string of n letters that do not compress well; NULL: no memory. */
static json_t *filler(size_t n)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_";
	char *text = malloc(n + 1);
	uint32_t x = 2463534242;
	json_t *string;

	if (!text)
		return NULL;
	for (size_t i = 0; i < n; i++) {
		x ^= x << 13;
		x ^= x >> 17;
		x ^= x << 5;
		text[i] = letters[x & 63];
	}
	string = json_stringn(text, n);
	free(text);
	return string;
}

static json_t *welcome(void)
{
	return json_pack("{s:i, s:i, s:s, s:{}}", "version", 1, "sequence", 1, "type", "welcome", "payload");
}

static void chunk_send(struct conn *c, json_t *id, json_t *value)
{
	json_send(c, json_pack("{s:s, s:O, s:[o]}", "_tag", "Chunk", "requestId", id, "values", value));
}

void rpc_chunk_send(struct conn *c)
{
	json_t *id = json_loads(c->subscription.id, JSON_DECODE_ANY, NULL);

	chunk_send(c, id,
	           json_pack("{s:i, s:o}", "left", (int)--c->subscription.left, "text",
	                     filler(c->subscription.chunk_bytes)));
	json_decref(id);
}

static long payload_number(const json_t *payload, const char *name, long fallback)
{
	json_t *value = json_object_get(payload, name);

	return json_is_integer(value) ? (long)json_integer_value(value) : fallback;
}

static void subscribe(struct conn *c, json_t *id, const json_t *payload)
{
	struct subscription *s = &c->subscription;
	char *text = json_dumps(id, JSON_ENCODE_ANY);

	snprintf(s->id, sizeof s->id, "%s", text ? text : "0");
	free(text);
	s->chunk_bytes = (size_t)payload_number(payload, "bytes", 100);
	s->left = payload_number(payload, "count", 1);
	s->timer.repeat = (double)payload_number(payload, "every_ms", 1000) / 1000;
	ev_timer_again(c->server->loop, &s->timer);
}

static void request_answer(struct conn *c, const json_t *message)
{
	const char *tag = json_string_value(json_object_get(message, "tag"));
	json_t *id = json_object_get(message, "id"), *payload = json_object_get(message, "payload");

	tag = tag ? tag : "";
	id = id ? id : json_null();
	if (strcmp(tag, "server.getSettings") == 0)
		exit_send(c, id, json_pack("{s:s}", "theme", "system"));
	else if (strcmp(tag, "server.reportClientActivity") == 0 && c->server->profile->shell)
		exit_send(c, id, json_null());
	else if (strcmp(tag, "subscribeServerLifecycle") == 0)
		chunk_send(c, id, welcome());
	else if (strcmp(tag, "stub.echo") == 0)
		exit_send(c, id, json_deep_copy(payload));
	else if (strcmp(tag, "stub.bytes") == 0)
		exit_send(c, id, filler((size_t)payload_number(payload, "bytes", 1)));
	else if (strcmp(tag, "stub.chunks") == 0)
		subscribe(c, id, payload);
	else
		unknown_send(c, id, tag);
}

void rpc_answer(struct conn *c, const char *data, size_t len)
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
