/* SPDX-License-Identifier: MIT */
/* WebSockets that end at a plugin; see wsserver.h. */
#include "proxy/wsserver.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <wslay/wslay.h>

#include "net/ws_key.h"
#include "proxy/client.h"
#include "proxy/rewrite.h"
#include "net/stream.h"

#define MAX_MESSAGE 4096u
#define CLOSE_US    UINT64_C(2000000) /* for the other side's close frame and FIN */
/* What may wait for a client that does not read; a queued frame costs memory even if it is empty.  wslay queues
 * pongs by itself: with more of them the client is not read either. */
#define QUEUED_MESSAGES   16
#define QUEUED_WITH_PONGS 32
#define FRAME_BYTES       64

struct t3ops_ws {
	LIST_ENTRY(t3ops_ws) link;
	struct proxy *proxy;
	struct t3ops_instance *instance;
	struct t3ops_ws_handler handler;
	void *arg;
	wslay_event_context_ptr frames;
	struct ev_io rd, wr;
	struct deadline deadline;
	struct buf in, out;  /* in: bytes that came with the request's head */
	bool begun, dropped; /* dropped: the plugin has let go of it, or has been reported */
	bool inside;         /* wslay is on the stack: freeing waits */
	bool over;
};

static size_t queued_bytes(const struct t3ops_ws *ws)
{
	return wslay_event_get_queued_msg_length(ws->frames) +
	       wslay_event_get_queued_msg_count(ws->frames) * FRAME_BYTES + buf_len(&ws->out);
}

static void ws_free(struct t3ops_ws *ws)
{
	struct proxy *f = ws->proxy;

	if (ws->begun) {
		ev_io_stop(f->loop, &ws->rd);
		ev_io_stop(f->loop, &ws->wr);
		close(ws->rd.fd);
	}
	deadline_stop(f->loop, &ws->deadline);
	LIST_REMOVE(ws, link);
	wslay_event_context_free(ws->frames);
	buf_fini(&ws->in);
	buf_fini(&ws->out);
	free(ws);
}

/* Tells the plugin, once, unless it let go before. */
static void ws_report(struct t3ops_ws *ws, enum t3ops_reason reason, int code)
{
	struct t3ops_ws_end end = {
	    .struct_size = sizeof end, .step = T3OPS_STEP_OPEN, .reason = reason, .code = code, .text = ""};

	if (ws->dropped)
		return;
	ws->dropped = true;
	if (!ws->handler.on_end)
		return;
	plugin_enter(ws->instance, "on_end");
	ws->handler.on_end(&ws->instance->ctx, ws, &end, ws->arg);
	plugin_leave(ws->instance);
}

/* Whether so many of the largest messages wait, though all that can go is on its way. */
static bool is_full(struct t3ops_ws *ws, size_t messages)
{
	size_t message = ws->handler.max_message > MAX_MESSAGE ? ws->handler.max_message : MAX_MESSAGE;

	if (queued_bytes(ws) < messages * message)
		return false;
	if (ws->begun)
		wslay_event_send(ws->frames); /* an error comes back with the next step */
	return queued_bytes(ws) >= messages * message;
}

/* ---- wslay's side ----------------------------------------------------------------------------- */

static ssize_t on_recv(wslay_event_context_ptr frames, uint8_t *bytes, size_t n, int flags, void *arg)
{
	struct t3ops_ws *ws = arg;
	size_t kept = buf_len(&ws->in);
	ssize_t got;

	(void)flags;
	if (is_full(ws, QUEUED_WITH_PONGS)) {
		wslay_event_set_error(frames, WSLAY_ERR_WOULDBLOCK);
		return -1;
	}
	if (kept > 0) {
		got = (ssize_t)(kept < n ? kept : n);
		memcpy(bytes, buf_at(&ws->in), (size_t)got);
		buf_drop(&ws->in, (size_t)got);
		return got;
	}
	got = recv(ws->rd.fd, bytes, n, MSG_DONTWAIT);
	if (got > 0)
		return got;
	wslay_event_set_error(frames, got < 0 && (errno == EAGAIN || errno == EINTR) ? WSLAY_ERR_WOULDBLOCK
	                                                                             : WSLAY_ERR_CALLBACK_FAILURE);
	return -1;
}

static ssize_t on_send(wslay_event_context_ptr frames, const uint8_t *bytes, size_t n, int flags, void *arg)
{
	struct t3ops_ws *ws = arg;
	ssize_t sent;

	(void)flags;
	if (stream_flush(ws->wr.fd, &ws->out) < 0) {
		wslay_event_set_error(frames, WSLAY_ERR_CALLBACK_FAILURE);
		return -1;
	}
	if (buf_len(&ws->out) == 0) {
		sent = send(ws->wr.fd, bytes, n, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (sent >= 0)
			return sent;
	} else {
		errno = EAGAIN;
	}
	wslay_event_set_error(frames,
	                      errno == EAGAIN || errno == EINTR ? WSLAY_ERR_WOULDBLOCK : WSLAY_ERR_CALLBACK_FAILURE);
	return -1;
}

static void on_message(wslay_event_context_ptr frames, const struct wslay_event_on_msg_recv_arg *m, void *arg)
{
	struct t3ops_ws *ws = arg;

	(void)frames;
	if (m->opcode == WSLAY_CONNECTION_CLOSE || ws->dropped || !ws->handler.on_message)
		return;
	plugin_enter(ws->instance, "on_message");
	ws->handler.on_message(&ws->instance->ctx, ws, m->opcode, m->msg, m->msg_length, ws->arg);
	plugin_leave(ws->instance);
}

/* The connection broke, or a frame did, and then a close frame is queued that says so. */
static void ws_fail(struct t3ops_ws *ws)
{
	if (wslay_event_get_close_received(ws->frames) || !wslay_event_want_write(ws->frames) ||
	    wslay_event_send(ws->frames) != 0 || !wslay_event_get_close_sent(ws->frames))
		ws_report(ws, T3OPS_R_CLIENT_EOF, 0);
	else
		ws_report(ws, T3OPS_R_PROTOCOL, wslay_event_get_status_code_sent(ws->frames));
	ws->over = true;
}

/* The step, and reading on in what came with the head if that had to wait for process. */
static int ws_step(struct t3ops_ws *ws, int (*step)(wslay_event_context_ptr))
{
	int r = stream_flush(ws->wr.fd, &ws->out); /* the 101 goes first */

	while (r == 0) {
		r = step(ws->frames);
		if (r == 0 && !ws->over && wslay_event_want_write(ws->frames))
			r = wslay_event_send(ws->frames);
		if (buf_len(&ws->in) == 0 || is_full(ws, QUEUED_WITH_PONGS) || !wslay_event_want_read(ws->frames))
			break;
		step = wslay_event_recv;
	}
	return r;
}

/* Reads or writes through wslay, then sees whether it is over. */
static void ws_run(struct t3ops_ws *ws, int (*step)(wslay_event_context_ptr))
{
	struct proxy *f = ws->proxy;
	int r;

	ws->inside = true;
	r = ws_step(ws, step);
	ws->inside = false;
	if (r != 0) {
		ws_fail(ws);
	} else if (wslay_event_get_close_received(ws->frames) && wslay_event_get_close_sent(ws->frames) &&
	           !wslay_event_want_write(ws->frames)) {
		ws_report(ws, T3OPS_R_CLIENT_CLOSED, wslay_event_get_status_code_received(ws->frames));
		ws->over = true;
	} else if (!wslay_event_want_read(ws->frames) && !wslay_event_want_write(ws->frames)) {
		/* wslay answered a frame that is none with a close, and reads no more of it */
		ws_report(ws, T3OPS_R_PROTOCOL, wslay_event_get_status_code_sent(ws->frames));
		ws->over = true;
	}
	if (ws->over) {
		ws_free(ws);
		return;
	}
	if (wslay_event_want_write(ws->frames) || buf_len(&ws->out) > 0)
		ev_io_start(f->loop, &ws->wr);
	else
		ev_io_stop(f->loop, &ws->wr);
	if (is_full(ws, QUEUED_WITH_PONGS))
		ev_io_stop(f->loop, &ws->rd);
	else
		ev_io_start(f->loop, &ws->rd);
}

static void on_readable(struct ev_loop *loop, struct ev_io *w, int revents)
{
	struct t3ops_ws *ws = w->data;

	(void)loop, (void)revents;
	if (!ws->dropped)
		deadline_set(ws->proxy->loop, &ws->deadline, ws->handler.idle_us);
	ws_run(ws, wslay_event_recv);
}

static void on_writable(struct ev_loop *loop, struct ev_io *w, int revents)
{
	(void)loop, (void)revents;
	ws_run(w->data, wslay_event_send);
}

static void on_deadline(void *arg)
{
	struct t3ops_ws *ws = arg;

	if (ws->dropped) { /* the close handshake took too long */
		ws_free(ws);
		return;
	}
	wslay_event_queue_close(ws->frames, WSLAY_CODE_GOING_AWAY, NULL, 0);
	ws_report(ws, T3OPS_R_IDLE, WSLAY_CODE_GOING_AWAY);
	deadline_set(ws->proxy->loop, &ws->deadline, CLOSE_US);
	ws_run(ws, wslay_event_send);
}

/* ---- begin ---------------------------------------------------------------------------------------- */

int wsserver_check(const struct http_head *h)
{
	const struct http_field *version = http_field_find(h, "sec-websocket-version", 0);
	const struct http_field *key = http_field_find(h, "sec-websocket-key", 0);

	if (http_field_count(h, "sec-websocket-version") != 1 || !span_is(version->value, "13"))
		return 426;
	if (http_field_count(h, "sec-websocket-key") != 1 || !ws_key_is_valid(key->value.at, key->value.len))
		return 400;
	return 0;
}

struct t3ops_ws *wsserver_new(struct exchange *x, struct t3ops_instance *i, const struct t3ops_ws_handler *h,
                              void *arg)
{
	static const struct wslay_event_callbacks callbacks = {
	    .recv_callback = on_recv, .send_callback = on_send, .on_msg_recv_callback = on_message};
	struct t3ops_ws *ws = calloc(1, sizeof *ws);

	if (!ws || wslay_event_context_server_init(&ws->frames, &callbacks, ws) != 0) {
		free(ws);
		return NULL;
	}
	ws->proxy = x->proxy;
	ws->instance = i;
	ws->handler = *h;
	ws->arg = arg;
	wslay_event_config_set_max_recv_msg_length(ws->frames, h->max_message > 0 ? h->max_message : MAX_MESSAGE);
	deadline_init(&ws->deadline, on_deadline, ws);
	LIST_INSERT_HEAD(&x->proxy->websockets, ws, link);
	x->ws = ws;
	return ws;
}

static void head_make(struct exchange *x, struct buf *out)
{
	const struct http_field *key = http_field_find(&x->head, "sec-websocket-key", 0);
	char text[WS_KEY_SIZE] = "", accept[WS_ACCEPT_SIZE];

	memcpy(text, key->value.at, sizeof text - 1);
	ws_accept_key(text, accept);
	buf_printf(out,
	           "HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: Upgrade\r\n"
	           "sec-websocket-accept: %s\r\n",
	           accept);
	if (buf_len(&x->extra) > 0)
		buf_add(out, buf_at(&x->extra), buf_len(&x->extra));
	buf_add(out, "\r\n", 2);
}

void wsserver_begin(struct exchange *x)
{
	struct t3ops_ws *ws = x->ws;
	struct client *c = x->client;
	struct proxy *f = x->proxy;
	int fd;

	head_make(x, &ws->out);
	if (buf_len(&c->in) > x->head_len)
		buf_add(&ws->in, buf_at(&c->in) + x->head_len, buf_len(&c->in) - x->head_len);
	exchange_take(x);
	fd = client_detach(c);
	ev_io_init(&ws->rd, on_readable, fd, EV_READ);
	ev_io_init(&ws->wr, on_writable, fd, EV_WRITE);
	ws->rd.data = ws->wr.data = ws;
	ws->begun = true;
	ev_io_start(f->loop, &ws->rd);
	ev_io_start(f->loop, &ws->wr);
	deadline_set(f->loop, &ws->deadline, ws->handler.idle_us);
	if (ws->handler.on_open && !ws->dropped) {
		ws->inside = true;
		plugin_enter(ws->instance, "on_open");
		ws->handler.on_open(&ws->instance->ctx, ws, ws->arg);
		plugin_leave(ws->instance);
		ws->inside = false;
	}
	ws_run(ws, buf_len(&ws->in) > 0 ? wslay_event_recv : wslay_event_send);
}

/* ---- the services --------------------------------------------------------------------------------- */

int wsserver_send(struct t3ops_ctx *ctx, struct t3ops_ws *ws, int op, const void *data, size_t len)
{
	struct wslay_event_msg m = {(uint8_t)op, data, len};

	(void)ctx;
	if (is_full(ws, QUEUED_MESSAGES))
		return -ENOBUFS;
	if (wslay_event_queue_msg(ws->frames, &m) != 0)
		return -EPIPE;
	if (ws->begun && !ws->inside)
		ev_io_start(ws->proxy->loop, &ws->wr);
	return 0;
}

void wsserver_close(struct t3ops_ctx *ctx, struct t3ops_ws *ws, int code)
{
	(void)ctx;
	ws->dropped = true;
	wslay_event_queue_close(ws->frames, (uint16_t)code, NULL, 0);
	deadline_set(ws->proxy->loop, &ws->deadline, CLOSE_US);
	if (ws->begun)
		ev_io_start(ws->proxy->loop, &ws->wr);
}

void wsserver_close_all(struct proxy *f, int code, bool now)
{
	struct t3ops_ws *ws, *next;

	for (ws = LIST_FIRST(&f->websockets); ws; ws = next) {
		next = LIST_NEXT(ws, link);
		wslay_event_queue_close(ws->frames, (uint16_t)code, NULL, 0);
		ws_report(ws, T3OPS_R_LOCAL, code);
		if (now) {
			wslay_event_send(ws->frames); /* best effort */
			ws_free(ws);
			continue;
		}
		/* its bytes that are under way must not meet a closed socket: a reset would overtake the frame */
		deadline_set(f->loop, &ws->deadline, CLOSE_US);
		ev_io_start(f->loop, &ws->wr);
	}
}
