/* SPDX-License-Identifier: MIT */
/* The t3 server's response; see response.h. */
#include "proxy/response.h"

#include <errno.h>

#include "ipc/tunnel_table.h"
#include "proxy/rewrite.h"
#include "proxy/worker.h"

#define HEAD_READ_BYTES (16u << 10)
#define HEAD_MAX_BYTES  (128u << 10)

static enum response_result lost(struct response *r, int error)
{
	r->error = error;
	return RESPONSE_LOST;
}

/* ---- the body ------------------------------------------------------------------------------------------ */

/* bytes are overwritten if the client knows no chunks. */
static enum response_result body_pass(struct response *r, char *bytes, size_t n)
{
	size_t pass, take;

	if (r->unchunks)
		take = body_take_data(&r->body, bytes, n, &pass);
	else
		take = pass = body_take(&r->body, bytes, n);
	if (body_is_bad(&r->body))
		return lost(r, -EPROTO);
	r->bytes += pass;
	if (pass > 0 && client_send(r->client, bytes, pass) < 0)
		return RESPONSE_CLIENT_GONE;
	if (take < n)
		r->reusable = false; /* it says more than it announced */
	return r->body.done ? RESPONSE_DONE : RESPONSE_MORE;
}

/* While the process drains no more than what can move along, should the client take none of it. */
static enum response_result body_read(struct response *r)
{
	char *scratch = r->worker->scratch;
	ssize_t n = upstream_read(r->up, scratch, r->worker->draining ? TUNNEL_PENDING_MAX : SCRATCH_BYTES);

	if (n == -EAGAIN)
		return RESPONSE_MORE;
	if (n > 0)
		return body_pass(r, scratch, (size_t)n);
	if (n == 0 && r->body.framing == HTTP_BODY_UNTIL_CLOSE)
		return RESPONSE_DONE;
	return lost(r, n == 0 ? -EPIPE : (int)n);
}

/* ---- room to read heads into ---------------------------------------------------------------------------- */

/* Nearly every head comes whole and is dealt with at once: one buffer goes from hand to hand. */
static void head_room_lend(struct worker *worker, struct buf *in)
{
	if (buf_size(in) > 0)
		return;
	*in = worker->head_room;
	worker->head_room = (struct buf){0};
}

static void head_room_return(struct worker *worker, struct buf *in)
{
	if (buf_size(&worker->head_room) > 0 || buf_size(in) > HEAD_MAX_BYTES) {
		buf_fini(in);
		return;
	}
	buf_clear(in);
	worker->head_room = *in;
	*in = (struct buf){0};
}

/* ---- the head ------------------------------------------------------------------------------------------- */

static enum response_result upgrade_pass(struct response *r, const struct http_head *h, size_t len)
{
	r->status = 101;
	upstream_responds(r->up);
	if (!rewrite_response(r->request, h, true, &r->worker->date, &r->client->out))
		return lost(r, -ENOMEM);
	buf_drop(&r->up->in, len);
	return RESPONSE_UPGRADED;
}

static enum response_result interim_pass(struct response *r, const struct http_head *h, size_t len)
{
	struct buf *out = &r->worker->head;
	int error = 0;

	buf_clear(out);
	if (r->request->head.minor == 1 && rewrite_interim(h, out))
		error = client_send(r->client, buf_at(out), buf_len(out));
	buf_drop(&r->up->in, len);
	r->seen = 0;
	return error < 0 ? RESPONSE_CLIENT_GONE : RESPONSE_MORE;
}

/* What can be read off the head; false: it contradicts itself, or the request. */
static bool response_describe(struct response *r, const struct http_head *h)
{
	r->body.framing = http_response_framing(h, r->request->head.method, &r->body.left);
	r->body.done = r->body.framing == HTTP_BODY_NONE;
	r->streams = r->body.framing == HTTP_BODY_CHUNKED || r->body.framing == HTTP_BODY_UNTIL_CLOSE;
	r->status = h->status;
	r->reusable = h->minor == 1 && !http_list_has(h, "connection", "close");
	r->keep_alive = r->keep_alive && r->request->body.done && r->body.framing != HTTP_BODY_UNTIL_CLOSE &&
	                !r->worker->draining;
	r->unchunks = r->body.framing == HTTP_BODY_CHUNKED && r->request->head.minor == 0;
	return r->body.framing != HTTP_BODY_BAD;
}

/* A short body leaves with its head, in one write. */
static void short_body_join(struct response *r, struct buf *head, struct buf *rest)
{
	if (r->body.framing != HTTP_BODY_LENGTH || buf_len(rest) != r->body.left)
		return;
	if (!buf_add(head, buf_at(rest), buf_len(rest)))
		return;
	r->body.done = true;
	buf_clear(rest);
}

/* The head is ready in worker->head; rest is what came with it. */
static enum response_result final_head_send(struct response *r, struct buf *rest)
{
	struct buf *head = &r->worker->head;

	upstream_responds(r->up);
	r->head_sent = true;
	r->first_byte_us = clock_mono_us() - r->request->started_us;
	series_observe(r->worker->metrics.first_byte, (double)r->first_byte_us / 1e6);
	short_body_join(r, head, rest);
	r->bytes += buf_len(head);
	if (client_send(r->client, buf_at(head), buf_len(head)) < 0)
		return RESPONSE_CLIENT_GONE;
	if (r->body.done) {
		r->reusable = r->reusable && buf_len(rest) == 0;
		return RESPONSE_DONE;
	}
	return buf_len(rest) > 0 ? body_pass(r, buf_at(rest), buf_len(rest)) : RESPONSE_MORE;
}

static enum response_result final_head_pass(struct response *r, const struct http_head *h, size_t len)
{
	struct worker *worker = r->worker;
	enum response_result result;
	struct buf rest;

	if (!response_describe(r, h))
		return lost(r, -EPROTO);
	buf_clear(&worker->head);
	if (!rewrite_response(r->request, h, r->keep_alive, &worker->date, &worker->head))
		return lost(r, -ENOMEM);
	buf_drop(&r->up->in, len);
	rest = r->up->in;
	r->up->in = (struct buf){0};
	result = final_head_send(r, &rest);
	head_room_return(worker, &rest);
	return result;
}

/* One whole head at the start of the input. */
static enum response_result head_pass(struct response *r, size_t len)
{
	struct http_head h;

	if (http_response_parse(&h, buf_at(&r->up->in), len) != HTTP_SYNTAX_OK)
		return lost(r, -EPROTO);
	if (h.status == 401 && r->holds_unauthorized) {
		r->holds_unauthorized = false;
		r->seen = 0;
		upstream_responds(r->up);
		return RESPONSE_UNAUTHORIZED;
	}
	if (h.status == 101)
		return r->request->websocket ? upgrade_pass(r, &h, len) : lost(r, -EPROTO);
	return h.status < 200 ? interim_pass(r, &h, len) : final_head_pass(r, &h, len);
}

/* The heads that are there, as long as the client takes them. */
static enum response_result heads_pass(struct response *r)
{
	enum response_result result = RESPONSE_MORE;
	size_t len;

	while (result == RESPONSE_MORE && !r->head_sent && buf_len(&r->up->in) > 0 &&
	       client_pending(r->client) == 0) {
		switch (http_head_scan(buf_at(&r->up->in), buf_len(&r->up->in), &r->seen, &len)) {
		case HTTP_SCAN_BAD:
			return lost(r, -EPROTO);
		case HTTP_SCAN_MORE:
			return buf_len(&r->up->in) > HEAD_MAX_BYTES ? lost(r, -EPROTO) : RESPONSE_MORE;
		case HTTP_SCAN_DONE:
			result = head_pass(r, len);
		}
	}
	return result;
}

static enum response_result head_read(struct response *r)
{
	struct buf *in = &r->up->in;
	ssize_t n;

	head_room_lend(r->worker, in);
	if (!buf_reserve(in, HEAD_READ_BYTES))
		return lost(r, -ENOMEM);
	n = upstream_read(r->up, buf_end(in), HEAD_READ_BYTES);
	if (n == -EAGAIN)
		return RESPONSE_MORE;
	if (n <= 0)
		return lost(r, n == 0 ? -EPIPE : (int)n);
	buf_added(in, (size_t)n);
	return heads_pass(r);
}

enum response_result response_read(struct response *r)
{
	return r->head_sent ? body_read(r) : head_read(r);
}

enum response_result response_resume(struct response *r)
{
	return r->head_sent ? RESPONSE_MORE : heads_pass(r);
}
