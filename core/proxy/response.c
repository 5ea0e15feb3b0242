/* SPDX-License-Identifier: MIT */
/* Bodies in both directions, and the instance's answer; see response.h. */
#include "proxy/response.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "proxy/client.h"
#include "proxy/recheck.h"
#include "proxy/rewrite.h"
#include "proxy/tunnel.h"

#define HEAD_READ_BYTES (16u << 10)
#define HEAD_MAX_BYTES  (128u << 10)

/* How many of n bytes belong to the body; it is done, or bad, when that is less. */
static size_t body_take(struct body *b, const char *bytes, size_t n)
{
	size_t take = n;

	switch (b->framing) {
	case HTTP_BODY_LENGTH:
		take = b->left < n ? (size_t)b->left : n;
		b->left -= take;
		b->done = b->left == 0;
		return take;
	case HTTP_BODY_CHUNKED:
		take = chunked_read(&b->chunked, bytes, n);
		b->done = b->chunked.state == CHUNKED_DONE;
		return take;
	case HTTP_BODY_UNTIL_CLOSE:
		return n;
	default:
		b->done = true;
		return 0;
	}
}

static bool body_is_bad(const struct body *b)
{
	return b->framing == HTTP_BODY_CHUNKED && b->chunked.state == CHUNKED_BAD;
}

/* ---- the request's body ---------------------------------------------------------------------------- */

bool exchange_wants_body(const struct exchange *x)
{
	return x->up && !x->request.done && buf_len(&x->up->out) == 0 && !x->up->connecting;
}

/* Passes on what belongs to the body; returns how much that was, or -1: x is gone. */
static ssize_t request_feed(struct exchange *x, const char *bytes, size_t n)
{
	size_t take = body_take(&x->request, bytes, n);
	int r;

	if (body_is_bad(&x->request)) {
		if (x->head_sent)
			exchange_client_gone(x);
		else
			exchange_reject(x->client, REJECT_CHUNK);
		return -1;
	}
	r = take > 0 ? upstream_send(x->up, bytes, take) : 0;
	if (r < 0) {
		/* the instance may have answered early and closed: its answer decides */
		if (x->state != EXCHANGE_AWAITING && x->state != EXCHANGE_RELAYING) {
			response_lost(x, r);
			return -1;
		}
		x->keep_alive = false;
	}
	if (x->request.done && x->state == EXCHANGE_AWAITING)
		client_deadline(x->client, x->proxy->conf.first_byte_us);
	return (ssize_t)take;
}

void request_early_feed(struct exchange *x)
{
	struct client *c = x->client;
	size_t n = buf_len(&c->in) - x->in_used;
	ssize_t take;

	if (x->request.done || n == 0)
		return;
	take = request_feed(x, buf_at(&c->in) + x->in_used, n);
	if (take >= 0)
		x->in_used += (size_t)take;
}

void exchange_client_readable(struct exchange *x)
{
	struct client *c = x->client;
	struct proxy *f = x->proxy;
	size_t size = SCRATCH_BYTES;
	ssize_t n, take;

	if (x->request.framing == HTTP_BODY_LENGTH && x->request.left < size)
		size = (size_t)x->request.left;
	n = recv(c->rd.fd, f->scratch, size, MSG_DONTWAIT);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) { /* the rest of the body will never come */
		exchange_client_gone(x);
		return;
	}
	client_deadline(c, f->conf.body_us);
	take = request_feed(x, f->scratch, (size_t)n);
	if (take < 0)
		return;
	if (take < n)
		buf_add(&c->readahead, f->scratch + take, (size_t)(n - take));
	if (!exchange_wants_body(x))
		ev_io_stop(f->loop, &c->rd);
}

/* ---- the answer's body ------------------------------------------------------------------------------- */

/* False: x is gone. */
static bool response_feed(struct exchange *x, const char *bytes, size_t n)
{
	size_t take = body_take(&x->response, bytes, n);

	if (body_is_bad(&x->response)) {
		response_lost(x, -EPROTO);
		return false;
	}
	if (take > 0 && client_send(x->client, bytes, take) < 0) {
		exchange_client_gone(x);
		return false;
	}
	if (take < n)
		x->up_keep_alive = false; /* it says more than it announced */
	if (buf_len(&x->client->out) > 0)
		ev_io_stop(x->proxy->loop, &x->up->rd); /* until exchange_client_drained */
	if (x->response.done) {
		response_done(x);
		return false;
	}
	return true;
}

/* ---- room to read heads into ---------------------------------------------------------------------------- */

/* Nearly every head comes whole and is dealt with at once: one buffer goes from hand to hand. */
static void head_room_lend(struct proxy *f, struct buf *in)
{
	if (in->bytes)
		return;
	*in = f->head_room;
	f->head_room = (struct buf){0};
}

static void head_room_return(struct proxy *f, struct buf *in)
{
	if (f->head_room.bytes || in->size > HEAD_MAX_BYTES) {
		buf_fini(in);
		return;
	}
	buf_clear(in);
	f->head_room = *in;
	*in = (struct buf){0};
}

/* ---- the answer's head -------------------------------------------------------------------------------- */

static void tunnel_begin(struct exchange *x, const struct http_head *h, size_t len)
{
	struct client *c = x->client;
	struct tunnel_start start = {.client_fd = c->rd.fd, .upstream_fd = x->up->rd.fd};
	struct proxy *f = x->proxy;
	bool ok;

	upstream_answers(x->up);
	event_set(start.user, x->user.name);
	client_address(x, start.address, sizeof start.address);
	client_colo(x, start.colo, sizeof start.colo);
	ok = rewrite_response(x, h, true, &c->out);
	buf_drop(&x->up->in, len);
	ok = ok && buf_add(&start.to_upstream, buf_at(&c->in) + x->in_used, buf_len(&c->in) - x->in_used);
	start.to_client = c->out;
	c->out = (struct buf){0};
	if (ok && buf_len(&x->up->in) > 0)
		ok = buf_add(&start.to_client, buf_at(&x->up->in), buf_len(&x->up->in));
	start.head_bytes = buf_len(&start.to_client) - buf_len(&x->up->in);
	start.session = recheck_session(x);
	upstream_detach(x->up);
	x->up = NULL;
	exchange_take(x);
	client_detach(c);
	tunnel_open(f, &start, ok);
}

static bool interim_pass(struct exchange *x, const struct http_head *h, size_t len)
{
	struct buf out = {0};
	int r = 0;

	if (x->head.minor == 1 && rewrite_interim(h, &out))
		r = client_send(x->client, buf_at(&out), buf_len(&out));
	buf_fini(&out);
	buf_drop(&x->up->in, len);
	x->up_seen = 0;
	if (r < 0)
		exchange_client_gone(x);
	return r == 0;
}

/* What can be read off the head; false: it contradicts itself, or the request. */
static bool response_describe(struct exchange *x, const struct http_head *h)
{
	x->response.framing = http_response_framing(h, x->head.method, &x->response.left);
	x->response.done = x->response.framing == HTTP_BODY_NONE;
	x->status = h->status;
	x->up_keep_alive = h->minor == 1 && !http_list_has(h, "connection", "close");
	x->keep_alive = x->keep_alive && x->request.done && x->response.framing != HTTP_BODY_UNTIL_CLOSE &&
	                !x->proxy->draining;
	if (x->response.framing == HTTP_BODY_CHUNKED && x->head.minor == 0)
		return false; /* nor may it be sent to a client that knows no chunks */
	return x->response.framing != HTTP_BODY_BAD;
}

/* A short body leaves with its head, in one write. */
static void short_body_join(struct exchange *x, struct buf *head, struct buf *rest)
{
	if (x->response.framing != HTTP_BODY_LENGTH || buf_len(rest) != x->response.left)
		return;
	if (!buf_add(head, buf_at(rest), buf_len(rest)))
		return;
	x->response.done = true;
	buf_clear(rest);
}

static bool final_head_pass(struct exchange *x, const struct http_head *h, size_t len)
{
	struct proxy *f = x->proxy;
	struct buf *out = &f->head, rest;
	bool alive = true;
	int r;

	if (!response_describe(x, h)) {
		response_lost(x, -EPROTO);
		return false;
	}
	buf_clear(out);
	if (!rewrite_response(x, h, x->keep_alive, out)) {
		response_lost(x, -ENOMEM);
		return false;
	}
	upstream_answers(x->up);
	x->state = EXCHANGE_RELAYING;
	x->head_sent = true;
	series_observe(f->metrics.first_byte, (double)(clock_mono_us() - x->started_us) / 1e6);
	client_deadline(x->client, f->conf.body_us);
	buf_drop(&x->up->in, len);
	rest = x->up->in;
	x->up->in = (struct buf){0};
	short_body_join(x, out, &rest);
	r = client_send(x->client, buf_at(out), buf_len(out));
	if (r < 0) {
		exchange_client_gone(x);
		alive = false;
	} else if (x->response.done) {
		x->up_keep_alive = x->up_keep_alive && buf_len(&rest) == 0;
		response_done(x);
		alive = false;
	} else if (buf_len(&rest) > 0) {
		alive = response_feed(x, buf_at(&rest), buf_len(&rest));
	}
	head_room_return(f, &rest);
	return alive;
}

/* One whole head at the start of the input.  False: x is gone, or relays from here on. */
static bool head_pass(struct exchange *x, size_t len)
{
	struct http_head h;

	if (http_response_parse(&h, buf_at(&x->up->in), len) != HTTP_SYNTAX_OK)
		response_lost(x, -EPROTO);
	else if (h.status == 101 && x->websocket)
		tunnel_begin(x, &h, len);
	else if (h.status == 101)
		response_lost(x, -EPROTO);
	else if (h.status < 200)
		return interim_pass(x, &h, len);
	else
		final_head_pass(x, &h, len);
	return false;
}

static void heads_read(struct exchange *x)
{
	size_t len;

	for (;;) {
		switch (http_head_scan(buf_at(&x->up->in), buf_len(&x->up->in), &x->up_seen, &len)) {
		case HTTP_SCAN_BAD:
			response_lost(x, -EPROTO);
			return;
		case HTTP_SCAN_MORE:
			if (buf_len(&x->up->in) > HEAD_MAX_BYTES)
				response_lost(x, -EPROTO);
			return;
		case HTTP_SCAN_DONE:
			if (!head_pass(x, len) || buf_len(&x->up->in) == 0)
				return;
			if (buf_len(&x->client->out) > 0) { /* until exchange_client_drained */
				ev_io_stop(x->proxy->loop, &x->up->rd);
				return;
			}
		}
	}
}

void response_resume(struct exchange *x)
{
	ev_io_start(x->proxy->loop, &x->up->rd);
	if (x->state == EXCHANGE_AWAITING && buf_len(&x->up->in) > 0)
		heads_read(x);
}

/* ---- reading ---------------------------------------------------------------------------------------------- */

static void awaited_read(struct exchange *x)
{
	struct buf *in = &x->up->in;
	ssize_t n;

	head_room_lend(x->proxy, in);
	if (!buf_reserve(in, HEAD_READ_BYTES)) {
		response_lost(x, -ENOMEM);
		return;
	}
	n = recv(x->up->rd.fd, buf_end(in), HEAD_READ_BYTES, MSG_DONTWAIT);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		response_lost(x, n == 0 ? -ECONNRESET : -errno);
		return;
	}
	buf_added(in, (size_t)n);
	heads_read(x);
}

static void relayed_read(struct exchange *x)
{
	ssize_t n = recv(x->up->rd.fd, x->proxy->scratch, SCRATCH_BYTES, MSG_DONTWAIT);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n > 0) {
		client_deadline(x->client, x->proxy->conf.body_us);
		response_feed(x, x->proxy->scratch, (size_t)n);
	} else if (n == 0 && x->response.framing == HTTP_BODY_UNTIL_CLOSE) {
		response_done(x);
	} else {
		response_lost(x, n == 0 ? -ECONNRESET : -errno);
	}
}

void response_read(struct exchange *x)
{
	if (x->state == EXCHANGE_RELAYING)
		relayed_read(x);
	else
		awaited_read(x);
}
