/* SPDX-License-Identifier: MIT */
/* WebSockets that end at a plugin; see wsserver.h. */
#include "proxy/wsserver.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/deadline.h"
#include "net/stream.h"
#include "net/tcp_state.h"
#include "net/ws_key.h"
#include "net/ws_short.h"
#include "plugin_host/plugin_struct.h"
#include "proxy/framing.h"
#include "proxy/worker.h"

#define MAX_MESSAGE 4096u
#define READ_BYTES  (16u << 10)
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
	struct framing frames;
	struct ev_io rd, wr;
	struct deadline deadline;
	struct buf in, out; /* in: bytes that came with the request's head */
	bool read_all;      /* the last read found less than it could have taken */
	bool blocked;       /* the socket did not take all of `out` */
	bool has_fd;
	bool inside; /* wslay or the plugin is on the stack: freeing and watching wait */
	bool over;   /* nothing more to read or to send */
};

struct wsservers {
	LIST_HEAD(, t3ops_ws) list;
};

static size_t queued_bytes(const struct t3ops_ws *ws)
{
	size_t messages, bytes = framing_queued(&ws->frames, &messages);

	return bytes + messages * FRAME_BYTES + buf_len(&ws->out);
}

static bool wants_write(const struct t3ops_ws *ws)
{
	return framing_wants_write(&ws->frames) || buf_len(&ws->out) > 0;
}

static int out_flush(struct t3ops_ws *ws)
{
	int r = stream_flush(ws->wr.fd, &ws->out);

	ws->blocked = buf_len(&ws->out) > 0;
	return r;
}

static int frames_recv(struct t3ops_ws *ws)
{
	return wslay_event_recv(ws->frames.context);
}

/* All that is queued leaves in one piece, as far as the socket takes it. */
static int frames_send(struct t3ops_ws *ws)
{
	int r = wslay_event_send(ws->frames.context);

	return r != 0 ? r : out_flush(ws);
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
	framing_fini(&ws->frames);
	buf_fini(&ws->in);
	buf_fini(&ws->out);
	free(ws);
}

/* All that can go is sent; an error comes back with the next step. */
static void queue_shorten(struct t3ops_ws *ws)
{
	if (ws->has_fd && ws->frames.context)
		frames_send(ws);
	else if (ws->has_fd)
		out_flush(ws);
}

/* Whether so many of the largest messages wait, though all that can go is on its way. */
static bool is_full(struct t3ops_ws *ws, size_t messages)
{
	size_t message = ws->handler.max_message > MAX_MESSAGE ? ws->handler.max_message : MAX_MESSAGE;

	if (queued_bytes(ws) < messages * message)
		return false;
	queue_shorten(ws);
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
	if (wants_write(ws))
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

static size_t longest_message(const struct t3ops_ws *ws)
{
	return ws->handler.max_message > 0 ? ws->handler.max_message : MAX_MESSAGE;
}

static void message_pass(struct t3ops_ws *ws, int op, const void *data, size_t len)
{
	if (ws->state == WS_CLOSING || !ws->handler.on_message)
		return;
	plugin_enter(ws->instance, "on_message");
	ws->handler.on_message(&ws->instance->ctx, ws, op, data, len, ws->arg);
	plugin_leave(ws->instance);
}

/* ---- wslay's side ----------------------------------------------------------------------------- */

static ssize_t would_block(wslay_event_context_ptr frames)
{
	wslay_event_set_error(frames, WSLAY_ERR_WOULDBLOCK);
	return -1;
}

/* What came with the head, and then of the socket; no read more than needed. */
static ssize_t bytes_take(struct t3ops_ws *ws, uint8_t *bytes, size_t n)
{
	size_t kept = buf_len(&ws->in);
	ssize_t got;

	if (kept > 0) {
		kept = kept < n ? kept : n;
		memcpy(bytes, buf_at(&ws->in), kept);
		buf_drop(&ws->in, kept);
		return (ssize_t)kept;
	}
	got = recv(ws->rd.fd, bytes, n, MSG_DONTWAIT);
	ws->read_all = got >= 0 && (size_t)got < n;
	return got;
}

static ssize_t on_recv(wslay_event_context_ptr frames, uint8_t *bytes, size_t n, int flags, void *arg)
{
	struct t3ops_ws *ws = arg;
	ssize_t got;

	(void)flags;
	if (is_full(ws, QUEUED_WITH_PONGS) || (ws->read_all && buf_len(&ws->in) == 0))
		return would_block(frames);
	got = bytes_take(ws, bytes, n);
	if (got > 0) {
		framing_received(&ws->frames, (size_t)got);
		return got;
	}
	if (got < 0 && (errno == EAGAIN || errno == EINTR))
		return would_block(frames);
	wslay_event_set_error(frames, WSLAY_ERR_CALLBACK_FAILURE);
	return -1;
}

/* What the socket did not take waits before all that follows. */
static ssize_t on_send(wslay_event_context_ptr frames, const uint8_t *bytes, size_t n, int flags, void *arg)
{
	struct t3ops_ws *ws = arg;

	(void)flags;
	if (ws->blocked)
		return would_block(frames);
	if (buf_add(&ws->out, bytes, n))
		return (ssize_t)n;
	wslay_event_set_error(frames, WSLAY_ERR_CALLBACK_FAILURE);
	return -1;
}

static void on_frame(wslay_event_context_ptr frames, const struct wslay_event_on_frame_recv_start_arg *frame,
                     void *arg)
{
	struct t3ops_ws *ws = arg;

	(void)frames;
	framing_frame_begun(&ws->frames, frame);
}

static void on_message(wslay_event_context_ptr frames, const struct wslay_event_on_msg_recv_arg *m, void *arg)
{
	struct t3ops_ws *ws = arg;

	(void)frames;
	if (m->opcode != WSLAY_CONNECTION_CLOSE)
		message_pass(ws, m->opcode, m->msg, m->msg_length);
}

static bool frames_open(struct t3ops_ws *ws)
{
	static const struct wslay_event_callbacks callbacks = {.recv_callback = on_recv,
	                                                       .send_callback = on_send,
	                                                       .on_msg_recv_callback = on_message,
	                                                       .on_frame_recv_start_callback = on_frame};
	const struct framing_kind kind = {&callbacks, ws, longest_message(ws)};

	return framing_open(&ws->frames, &kind);
}

/* Without memory for it the connection just ends. */
static void close_queue(struct t3ops_ws *ws, int code)
{
	if (frames_open(ws))
		wslay_event_queue_close(ws->frames.context, (uint16_t)code, NULL, 0);
}

/* The connection broke, or a frame did, and then a close frame is queued that says so. */
static void ws_fail(struct t3ops_ws *ws)
{
	wslay_event_context_ptr frames = ws->frames.context;

	if (wslay_event_get_close_received(frames) || !wants_write(ws) || frames_send(ws) != 0 ||
	    !wslay_event_get_close_sent(frames))
		ws_end(ws, T3OPS_R_CLIENT_EOF, 0);
	else
		ws_end(ws, T3OPS_R_PROTOCOL, wslay_event_get_status_code_sent(frames));
	ws->over = true;
}

/* The step, and reading on in what came with the head if that had to wait for room. */
static int ws_step(struct t3ops_ws *ws, int (*step)(struct t3ops_ws *))
{
	int r = out_flush(ws); /* the 101 goes first */

	while (r == 0) {
		r = step(ws);
		if (r == 0 && !ws->over && wants_write(ws))
			r = frames_send(ws);
		if (buf_len(&ws->in) == 0 || is_full(ws, QUEUED_WITH_PONGS) ||
		    !wslay_event_want_read(ws->frames.context))
			break;
		step = frames_recv;
	}
	return r;
}

/* What the frames so far mean for its life. */
static void ws_classify(struct t3ops_ws *ws)
{
	wslay_event_context_ptr frames = ws->frames.context;

	if (wants_write(ws))
		return;
	if (wslay_event_get_close_received(frames) && wslay_event_get_close_sent(frames)) {
		ws_end(ws, T3OPS_R_CLIENT_CLOSED, wslay_event_get_status_code_received(frames));
		ws->over = true;
	} else if (!wslay_event_want_read(frames)) {
		/* wslay answered a malformed frame with a close, and reads no more of it */
		ws_end(ws, T3OPS_R_PROTOCOL, wslay_event_get_status_code_sent(frames));
		ws->over = true;
	}
}

/* Reads or writes through wslay, then sees whether it is over. */
static void ws_run(struct t3ops_ws *ws, int (*step)(struct t3ops_ws *))
{
	ws->inside = true;
	if (!frames_open(ws)) {
		ws_end(ws, T3OPS_R_LOCAL, 0);
		ws->over = true;
	} else if (ws_step(ws, step) != 0) {
		ws_fail(ws);
	} else {
		ws_classify(ws);
	}
	ws->inside = false;
	if (ws->over) {
		ws_free(ws);
		return;
	}
	framing_rest(&ws->frames);
	ws_watch(ws);
}

/* ---- without wslay ---------------------------------------------------------------------------- */

/* Nothing is in progress: short messages need no context. */
static bool is_at_rest(const struct t3ops_ws *ws)
{
	return !ws->frames.context && buf_len(&ws->in) == 0;
}

static void ws_lost(struct t3ops_ws *ws)
{
	ws_end(ws, T3OPS_R_CLIENT_EOF, 0);
	ws_free(ws);
}

static void ws_flush(struct t3ops_ws *ws)
{
	if (out_flush(ws) < 0)
		ws_lost(ws);
	else
		ws_watch(ws);
}

/* The messages that the bytes begin with, one after the other; how many bytes that took. */
static size_t short_messages_pass(struct t3ops_ws *ws, const char *bytes, size_t n)
{
	struct ws_short m;
	size_t at = 0;

	ws->inside = true;
	while (is_at_rest(ws) && !is_full(ws, QUEUED_WITH_PONGS) && ws_short_read(&m, bytes + at, n - at) &&
	       m.len <= longest_message(ws)) {
		at += m.frame_len;
		message_pass(ws, m.op, m.payload, m.len);
	}
	ws->inside = false;
	return at;
}

/* What is left is for wslay, and so is what comes until that is dealt with. */
static void ws_read(struct t3ops_ws *ws)
{
	const char *bytes = ws->worker->scratch;
	ssize_t n = recv(ws->rd.fd, ws->worker->scratch, READ_BYTES, MSG_DONTWAIT);
	size_t used;

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		ws_lost(ws);
		return;
	}
	used = short_messages_pass(ws, bytes, (size_t)n);
	if (used == (size_t)n && is_at_rest(ws)) {
		ws_flush(ws);
		return;
	}
	ws->read_all = (size_t)n < READ_BYTES;
	if (buf_add(&ws->in, bytes + used, (size_t)n - used))
		ws_run(ws, frames_recv);
	else
		ws_lost(ws);
}

/* ---- the loop calls --------------------------------------------------------------------------- */

static void on_readable(struct ev_loop *loop, struct ev_io *w, int revents)
{
	struct t3ops_ws *ws = w->data;

	(void)loop, (void)revents;
	if (ws->state == WS_OPEN)
		ws_deadline(ws);
	ws->read_all = false;
	if (is_at_rest(ws))
		ws_read(ws);
	else
		ws_run(ws, frames_recv);
}

static void on_writable(struct ev_loop *loop, struct ev_io *w, int revents)
{
	struct t3ops_ws *ws = w->data;

	(void)loop, (void)revents;
	if (is_at_rest(ws))
		ws_flush(ws);
	else
		ws_run(ws, frames_send);
}

static void on_deadline(void *arg)
{
	struct t3ops_ws *ws = arg;

	if (ws->state == WS_CLOSING) { /* the close handshake took too long */
		ws_free(ws);
		return;
	}
	close_queue(ws, WSLAY_CODE_GOING_AWAY);
	ws_end(ws, T3OPS_R_IDLE, WSLAY_CODE_GOING_AWAY);
	ws_run(ws, frames_send);
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
	struct t3ops_ws *ws = calloc(1, sizeof *ws);

	if (!ws)
		return NULL;
	ws->worker = worker;
	ws->instance = i;
	plugin_struct_take(&ws->handler, sizeof ws->handler, h);
	ws->arg = arg;
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
	ws->inside = false;
	if (is_at_rest(ws))
		ws_flush(ws);
	else
		ws_run(ws, buf_len(&ws->in) > 0 ? frames_recv : frames_send);
}

/* ---- the services --------------------------------------------------------------------------------- */

/* In turn with what wslay has to send. */
static int message_queue(struct t3ops_ws *ws, int op, const void *data, size_t len)
{
	struct wslay_event_msg m = {(uint8_t)op, data, len};

	if (!ws->frames.context && (op == WSLAY_TEXT_FRAME || op == WSLAY_BINARY_FRAME))
		return ws_frame_add(&ws->out, op, data, len) ? 0 : -ENOMEM;
	if (!frames_open(ws))
		return -ENOMEM;
	return wslay_event_queue_msg(ws->frames.context, &m) == 0 ? 0 : -EPIPE;
}

int wsserver_send(struct t3ops_ctx *ctx, struct t3ops_ws *ws, int op, const void *data, size_t len)
{
	int r;

	(void)ctx;
	if (is_full(ws, QUEUED_MESSAGES))
		return -ENOBUFS;
	r = message_queue(ws, op, data, len);
	if (r == 0)
		ws_watch(ws);
	return r;
}

void wsserver_close(struct t3ops_ctx *ctx, struct t3ops_ws *ws, int code)
{
	(void)ctx;
	close_queue(ws, code);
	ws_set_state(ws, WS_CLOSING);
}

uint64_t wsserver_waited_us(struct t3ops_ctx *ctx, struct t3ops_ws *ws)
{
	(void)ctx;
	return ws->has_fd ? tcp_data_age_us(ws->rd.fd) : 0;
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
		close_queue(ws, code);
		ws_end(ws, T3OPS_R_LOCAL, code);
		if (!now)
			continue;
		if (ws->frames.context && ws->has_fd)
			frames_send(ws); /* best effort */
		ws_free(ws);
	}
}
