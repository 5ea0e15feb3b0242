/* SPDX-License-Identifier: MIT */
/* WebSockets that end at a plugin; see wsserver.h. */
#include "proxy/wsserver.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <wslay/wslay.h>

#include "net/deadline.h"
#include "net/stream.h"
#include "net/ws_key.h"
#include "plugin_host/plugin_struct.h"
#include "proxy/worker.h"

#define MAX_MESSAGE 4096u
#define CLOSE_US    UINT64_C(2000000) /* for the other side's close frame and FIN */
/* What may wait for a client that does not read; a queued frame costs memory even if it is empty.  wslay queues
 * pongs by itself: with more of them the client is not read either. */
#define QUEUED_MESSAGES   16
#define QUEUED_WITH_PONGS 32
#define FRAME_BYTES       64

enum ws_state {
	WS_NEW,     /* accepted, without a connection yet */
	WS_OPEN,    /* the plugin has it */
	WS_CLOSING, /* the plugin has closed it, or knows of its end: a close frame is on its way */
};

struct t3ops_ws {
	LIST_ENTRY(t3ops_ws) link;
	struct worker *worker;
	struct t3ops_instance *instance;
	struct t3ops_ws_handler handler;
	void *arg;
	enum ws_state state;
	wslay_event_context_ptr frames;
	struct ev_io rd, wr;
	struct deadline deadline;
	struct buf in, out; /* in: bytes that came with the request's head */
	bool has_fd;
	bool inside; /* wslay or the plugin is on the stack: freeing and watching wait */
	bool over;   /* nothing more to read or to send */
};

struct wsservers {
	LIST_HEAD(, t3ops_ws) list;
};

static size_t queued_bytes(const struct t3ops_ws *ws)
{
	return wslay_event_get_queued_msg_length(ws->frames) +
	       wslay_event_get_queued_msg_count(ws->frames) * FRAME_BYTES + buf_len(&ws->out);
}

static void ws_free(struct t3ops_ws *ws)
{
	struct ev_loop *loop = ws->worker->loop;

	if (ws->has_fd) {
		ev_io_stop(loop, &ws->rd);
		ev_io_stop(loop, &ws->wr);
		close(ws->rd.fd);
	}
	deadline_stop(loop, &ws->deadline);
	LIST_REMOVE(ws, link);
	wslay_event_context_free(ws->frames);
	buf_fini(&ws->in);
	buf_fini(&ws->out);
	free(ws);
}

/* Whether so many of the largest messages wait, though all that can go is on its way. */
static bool is_full(struct t3ops_ws *ws, size_t messages)
{
	size_t message = ws->handler.max_message > MAX_MESSAGE ? ws->handler.max_message : MAX_MESSAGE;

	if (queued_bytes(ws) < messages * message)
		return false;
	if (ws->has_fd)
		wslay_event_send(ws->frames); /* an error comes back with the next step */
	return queued_bytes(ws) >= messages * message;
}

/* ---- state and watchers -------------------------------------------------------------------- */

/* The one place that starts and stops them. */
static void ws_watch(struct t3ops_ws *ws)
{
	struct ev_loop *loop = ws->worker->loop;

	if (!ws->has_fd || ws->inside)
		return;
	if (is_full(ws, QUEUED_WITH_PONGS))
		ev_io_stop(loop, &ws->rd);
	else
		ev_io_start(loop, &ws->rd);
	if (wslay_event_want_write(ws->frames) || buf_len(&ws->out) > 0)
		ev_io_start(loop, &ws->wr);
	else
		ev_io_stop(loop, &ws->wr);
}

/* Something was received, or its state has changed. */
static void ws_deadline(struct t3ops_ws *ws)
{
	deadline_set(ws->worker->loop, &ws->deadline, ws->state == WS_CLOSING ? CLOSE_US : ws->handler.idle_us);
}

static void ws_set_state(struct t3ops_ws *ws, enum ws_state state)
{
	ws->state = state;
	ws_deadline(ws);
	ws_watch(ws);
}

/* It ends: reports that to the plugin, once, unless the plugin closed it. */
static void ws_end(struct t3ops_ws *ws, enum t3ops_reason reason, int code)
{
	struct t3ops_ws_end end = {
	    .struct_size = sizeof end, .step = T3OPS_STEP_OPEN, .reason = reason, .code = code, .text = ""};

	if (ws->state == WS_CLOSING)
		return;
	ws_set_state(ws, WS_CLOSING);
	if (!ws->handler.on_end)
		return;
	plugin_enter(ws->instance, "on_end");
	ws->handler.on_end(&ws->instance->ctx, ws, &end, ws->arg);
	plugin_leave(ws->instance);
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
	if (m->opcode == WSLAY_CONNECTION_CLOSE || ws->state == WS_CLOSING || !ws->handler.on_message)
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
		ws_end(ws, T3OPS_R_CLIENT_EOF, 0);
	else
		ws_end(ws, T3OPS_R_PROTOCOL, wslay_event_get_status_code_sent(ws->frames));
	ws->over = true;
}

/* The step, and reading on in what came with the head if that had to wait for room. */
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

/* What the frames so far mean for its life. */
static void ws_classify(struct t3ops_ws *ws)
{
	if (wslay_event_get_close_received(ws->frames) && wslay_event_get_close_sent(ws->frames) &&
	    !wslay_event_want_write(ws->frames)) {
		ws_end(ws, T3OPS_R_CLIENT_CLOSED, wslay_event_get_status_code_received(ws->frames));
		ws->over = true;
	} else if (!wslay_event_want_read(ws->frames) && !wslay_event_want_write(ws->frames)) {
		/* wslay answered a malformed frame with a close, and reads no more of it */
		ws_end(ws, T3OPS_R_PROTOCOL, wslay_event_get_status_code_sent(ws->frames));
		ws->over = true;
	}
}

/* Reads or writes through wslay, then sees whether it is over. */
static void ws_run(struct t3ops_ws *ws, int (*step)(wslay_event_context_ptr))
{
	ws->inside = true;
	if (ws_step(ws, step) != 0)
		ws_fail(ws);
	else
		ws_classify(ws);
	ws->inside = false;
	if (ws->over)
		ws_free(ws);
	else
		ws_watch(ws);
}

static void on_readable(struct ev_loop *loop, struct ev_io *w, int revents)
{
	struct t3ops_ws *ws = w->data;

	(void)loop, (void)revents;
	if (ws->state == WS_OPEN)
		ws_deadline(ws);
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

	if (ws->state == WS_CLOSING) { /* the close handshake took too long */
		ws_free(ws);
		return;
	}
	wslay_event_queue_close(ws->frames, WSLAY_CODE_GOING_AWAY, NULL, 0);
	ws_end(ws, T3OPS_R_IDLE, WSLAY_CODE_GOING_AWAY);
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

static void head_make(const struct wsserver_start *start, struct buf *out)
{
	const struct http_field *key = http_field_find(start->head, "sec-websocket-key", 0);
	char text[WS_KEY_SIZE] = "", accept[WS_ACCEPT_SIZE];

	memcpy(text, key->value.at, sizeof text - 1);
	ws_accept_key(text, accept);
	buf_printf(out,
	           "HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: Upgrade\r\n"
	           "sec-websocket-accept: %s\r\n",
	           accept);
	buf_add(out, start->extra.at, start->extra.len);
	buf_add(out, "\r\n", 2);
}

struct t3ops_ws *wsserver_new(struct worker *worker, struct t3ops_instance *i, const struct wsserver_start *start,
                              const struct t3ops_ws_handler *h, void *arg)
{
	static const struct wslay_event_callbacks callbacks = {
	    .recv_callback = on_recv, .send_callback = on_send, .on_msg_recv_callback = on_message};
	struct t3ops_ws *ws = calloc(1, sizeof *ws);

	if (!ws || wslay_event_context_server_init(&ws->frames, &callbacks, ws) != 0) {
		free(ws);
		return NULL;
	}
	ws->worker = worker;
	ws->instance = i;
	plugin_struct_take(&ws->handler, sizeof ws->handler, h);
	ws->arg = arg;
	wslay_event_config_set_max_recv_msg_length(ws->frames, h->max_message > 0 ? h->max_message : MAX_MESSAGE);
	deadline_init(&ws->deadline, on_deadline, ws);
	head_make(start, &ws->out);
	buf_add(&ws->in, start->early.at, start->early.len);
	LIST_INSERT_HEAD(&worker->wsservers->list, ws, link);
	return ws;
}

void wsserver_begin(struct t3ops_ws *ws, int fd)
{
	ev_io_init(&ws->rd, on_readable, fd, EV_READ);
	ev_io_init(&ws->wr, on_writable, fd, EV_WRITE);
	ws->rd.data = ws->wr.data = ws;
	ws->has_fd = ws->inside = true;
	if (ws->state == WS_NEW)
		ws_set_state(ws, WS_OPEN);
	if (ws->handler.on_open && ws->state == WS_OPEN) {
		plugin_enter(ws->instance, "on_open");
		ws->handler.on_open(&ws->instance->ctx, ws, ws->arg);
		plugin_leave(ws->instance);
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
	ws_watch(ws);
	return 0;
}

void wsserver_close(struct t3ops_ctx *ctx, struct t3ops_ws *ws, int code)
{
	(void)ctx;
	wslay_event_queue_close(ws->frames, (uint16_t)code, NULL, 0);
	ws_set_state(ws, WS_CLOSING);
}

/* ---- all of them --------------------------------------------------------------------------------- */

struct wsservers *wsservers_new(void)
{
	struct wsservers *all = calloc(1, sizeof *all);

	if (all)
		LIST_INIT(&all->list);
	return all;
}

void wsservers_free(struct wsservers *all)
{
	free(all);
}

bool wsservers_is_empty(const struct wsservers *all)
{
	return LIST_EMPTY(&all->list);
}

/* Bytes that are on their way here must not meet a closed socket: a reset would overtake the close frame. */
void wsservers_close_all(struct worker *worker, int code, bool now)
{
	struct t3ops_ws *ws, *next;

	for (ws = LIST_FIRST(&worker->wsservers->list); ws; ws = next) {
		next = LIST_NEXT(ws, link);
		wslay_event_queue_close(ws->frames, (uint16_t)code, NULL, 0);
		ws_end(ws, T3OPS_R_LOCAL, code);
		if (!now)
			continue;
		wslay_event_send(ws->frames); /* best effort */
		ws_free(ws);
	}
}
