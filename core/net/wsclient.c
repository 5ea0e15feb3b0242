/* SPDX-License-Identifier: MIT */
/*
 * WebSocket client; see wsclient.h.
 *
 *   CONNECTING (libcurl: name, TCP, TLS) -> UPGRADING (our request, its answer) -> OPEN (wslay) -> gone
 *   UPGRADING --401--> REFUSED (read to the far side's end) -> gone
 *   CONNECTING --the certificate is refused--> LOOKING (once more, unchecked: when does it expire, what time is it
 *                                              there?) -> gone
 *
 * The first two share one limit.  While LOOKING nothing of the request is sent, and how it ends changes nothing.
 * on_end is reported from the loop's own callbacks only, never from inside a call of the owner.
 */
#include "net/wsclient.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <wslay/wslay.h>

#include "sys/buf.h"
#include "sys/clock.h"
#include "net/certificate.h"
#include "net/fetch_reason.h"
#include "net/fetch_transfer.h"
#include "net/http_parse.h"
#include "net/tcp_state.h"
#include "net/ws_frames.h"
#include "net/ws_key.h"

#define DEFAULT_TIMEOUT_US UINT64_C(10000000)
#define HEAD_MAX           (32u << 10)
#define READ_BYTES         4096
#define GATHER_BYTES       READ_BYTES
#define RANDOM_BYTES       64 /* 16 masks */
#define HTTP_UNAUTHORIZED  401
#define DIALS              4 /* at a time: happy eyeballs try two */
#define CF_RAY_SIZE        128
#define REFUSED_S          1. /* for the far side to end a connection whose upgrade it refused */

enum state { CONNECTING, UPGRADING, OPEN, REFUSED, LOOKING };

struct wsclient {
	struct ev_loop *loop;
	struct wsclient_callbacks cb;
	void *arg;
	enum state state;
	CURLM *multi;
	struct transfer *transfer; /* libcurl's handle; it owns the connection throughout */
	struct ev_io dials[DIALS]; /* libcurl's sockets while it connects */
	struct ev_io io;           /* the connection's, from then on */
	struct ev_timer timer;     /* libcurl's */
	struct ev_timer limit;
	char key[WS_KEY_SIZE];
	struct buf in, out; /* the answer's head and what follows; what is not sent yet */
	wslay_event_context_ptr frames;
	struct ws_frames received; /* what the far side sent, for close codes younger than wslay */
	size_t max_message;
	uint8_t random[RANDOM_BYTES]; /* for masks; those at its end are spent */
	size_t random_left;
	bool out_waits; /* TLS has begun to send what is in out: until it took that, it stays where and as it is */
	enum t3ops_reason lost; /* how the connection under the frames ended, 0: it did not */
	uint32_t reported;      /* the step that was reported last */
	bool inside, gone;      /* wslay is on the stack; freeing waits */
	bool leaving;           /* gone by the owner's wish: its close frame is still to be sent */
	int refused;            /* it cannot even start: reported by the timer */
	int refused_status;     /* HTTP status of the refused upgrade */
};

/* ---- the end ------------------------------------------------------------------------------------ */

static void client_destroy(struct wsclient *c)
{
	for (int i = 0; i < DIALS; i++)
		ev_io_stop(c->loop, &c->dials[i]);
	ev_io_stop(c->loop, &c->io);
	ev_timer_stop(c->loop, &c->timer);
	ev_timer_stop(c->loop, &c->limit);
	if (c->frames)
		wslay_event_context_free(c->frames);
	if (c->transfer)
		dial_stop(&c->transfer->dial);
	if (c->transfer && c->multi && !c->refused)
		curl_multi_remove_handle(c->multi, c->transfer->easy);
	if (c->transfer)
		transfer_free(c->transfer);
	curl_multi_cleanup(c->multi);
	buf_fini(&c->in);
	buf_fini(&c->out);
	free(c);
	curl_global_cleanup();
}

static void client_free(struct wsclient *c)
{
	c->gone = true;
	if (!c->inside)
		client_destroy(c);
}

static void client_end(struct wsclient *c, uint32_t step, enum t3ops_reason reason, int code, const char *text)
{
	struct t3ops_ws_end end = {
	    .struct_size = sizeof end, .step = step, .reason = reason, .code = code, .text = text};

	if (c->gone)
		return;
	c->gone = true; /* the owner may not close it from inside on_end */
	c->cb.on_end(c, &end, c->arg);
	client_free(c);
}

/* ---- bytes -------------------------------------------------------------------------------------- */

/* Like recv(2) on what libcurl decrypts. */
static ssize_t bytes_recv(struct wsclient *c, void *bytes, size_t n)
{
	size_t got = 0;
	CURLcode code = curl_easy_recv(c->transfer->easy, bytes, n, &got);

	if (code == CURLE_OK)
		return (ssize_t)got;
	return code == CURLE_AGAIN ? -EAGAIN : -ECONNRESET;
}

static ssize_t bytes_send(struct wsclient *c, const void *bytes, size_t n)
{
	size_t sent = 0;
	CURLcode code = curl_easy_send(c->transfer->easy, bytes, n, &sent);

	if (code == CURLE_OK)
		return (ssize_t)sent;
	return code == CURLE_AGAIN ? -EAGAIN : -ECONNRESET;
}

static void watch(struct wsclient *c, bool to_write)
{
	int events = EV_READ | (to_write ? EV_WRITE : 0), fd = c->io.fd;

	if ((c->io.events & (EV_READ | EV_WRITE)) == events && ev_is_active(&c->io))
		return;
	ev_io_stop(c->loop, &c->io);
	ev_io_set(&c->io, fd, events);
	ev_io_start(c->loop, &c->io);
}

/* False: the connection is gone. */
static bool out_flush(struct wsclient *c)
{
	while (buf_len(&c->out) > 0) {
		ssize_t n = bytes_send(c, buf_at(&c->out), buf_len(&c->out));

		c->out_waits = n == -EAGAIN;
		if (c->out_waits)
			return true;
		if (n < 0)
			return false;
		buf_drop(&c->out, (size_t)n);
	}
	return true;
}

/* ---- open: frames --------------------------------------------------------------------------------- */

/* What came with the answer's head first. */
static ssize_t frames_recv(struct wsclient *c, void *bytes, size_t n)
{
	size_t kept = buf_len(&c->in);

	if (kept == 0)
		return bytes_recv(c, bytes, n);
	if (n > kept)
		n = kept;
	memcpy(bytes, buf_at(&c->in), n);
	buf_drop(&c->in, n);
	return (ssize_t)n;
}

static ssize_t on_recv(wslay_event_context_ptr frames, uint8_t *bytes, size_t n, int flags, void *arg)
{
	struct wsclient *c = arg;
	ssize_t got = frames_recv(c, bytes, n);

	(void)flags;
	if (got > 0) {
		ws_frames_read(&c->received, bytes, (size_t)got, NULL, NULL);
		return got;
	}
	if (got != -EAGAIN)
		c->lost = got == 0 ? T3OPS_R_EOF : T3OPS_R_RESET;
	wslay_event_set_error(frames, got == -EAGAIN ? WSLAY_ERR_WOULDBLOCK : WSLAY_ERR_CALLBACK_FAILURE);
	return -1;
}

/* Like send(2).  wslay gives a frame's head and its payload one by one: they leave together (frames_send). */
static ssize_t frames_gather(struct wsclient *c, const void *bytes, size_t n)
{
	if (c->out_waits || buf_len(&c->out) + n > GATHER_BYTES) {
		if (!out_flush(c))
			return -ECONNRESET;
		if (buf_len(&c->out) > 0)
			return -EAGAIN;
	}
	return buf_add(&c->out, bytes, n) ? (ssize_t)n : -ENOMEM;
}

static ssize_t on_send(wslay_event_context_ptr frames, const uint8_t *bytes, size_t n, int flags, void *arg)
{
	struct wsclient *c = arg;
	ssize_t sent = c->gone && !c->leaving ? -ECONNRESET : frames_gather(c, bytes, n);

	(void)flags;
	if (sent >= 0)
		return sent;
	if (sent != -EAGAIN)
		c->lost = T3OPS_R_RESET;
	wslay_event_set_error(frames, sent == -EAGAIN ? WSLAY_ERR_WOULDBLOCK : WSLAY_ERR_CALLBACK_FAILURE);
	return -1;
}

/* Some at a time: a mask takes four. */
static bool random_take(struct wsclient *c, uint8_t *bytes, size_t n)
{
	if (n > sizeof c->random)
		return false;
	if (n > c->random_left) {
		if (getrandom(c->random, sizeof c->random, 0) != (ssize_t)sizeof c->random)
			return false;
		c->random_left = sizeof c->random;
	}
	c->random_left -= n;
	memcpy(bytes, c->random + c->random_left, n);
	return true;
}

static int on_mask(wslay_event_context_ptr frames, uint8_t *bytes, size_t n, void *arg)
{
	(void)frames;
	return random_take(arg, bytes, n) ? 0 : -1;
}

static void on_message(wslay_event_context_ptr frames, const struct wslay_event_on_msg_recv_arg *m, void *arg)
{
	struct wsclient *c = arg;

	(void)frames;
	if (!c->gone && m->opcode != WSLAY_CONNECTION_CLOSE)
		c->cb.on_message(c, m->opcode, m->msg, m->msg_length, c->arg);
}

/* wslay takes 1012 to 1014, which were registered after RFC 6455, for a violation. */
static bool closed_by_young_code(const struct wsclient *c)
{
	return c->received.closed && !c->received.garbage && c->received.close_code >= 1012 &&
	       c->received.close_code <= 1014;
}

static void open_end(struct wsclient *c)
{
	if (wslay_event_get_close_received(c->frames) || closed_by_young_code(c))
		client_end(c, T3OPS_STEP_OPEN, T3OPS_R_CLOSED, c->received.close_code, "");
	else if (c->lost)
		client_end(c, T3OPS_STEP_OPEN, c->lost, 0, "");
	else /* wslay itself closes on a violation */
		client_end(c, T3OPS_STEP_OPEN, T3OPS_R_PROTOCOL, 0, "the far side broke the WebSocket protocol");
}

/* As much as goes out at once; false: the connection is gone. */
static bool frames_send(struct wsclient *c)
{
	if (wslay_event_want_write(c->frames) && wslay_event_send(c->frames) != 0)
		return false;
	if (out_flush(c))
		return true;
	c->lost = T3OPS_R_RESET;
	return false;
}

static bool wants_write(const struct wsclient *c)
{
	return buf_len(&c->out) > 0 || wslay_event_want_write(c->frames);
}

/* It was closed, or ended, while wslay was on the stack. */
static void client_leave(struct wsclient *c)
{
	if (c->leaving)
		frames_send(c);
	client_destroy(c);
}

static bool is_close_sent(const struct wsclient *c)
{
	return wslay_event_get_close_sent(c->frames) && buf_len(&c->out) == 0;
}

/* The far side's close frame is answered, then its FIN awaited no longer than this callback. */
static void open_run(struct wsclient *c)
{
	bool works;

	c->inside = true;
	works = wslay_event_recv(c->frames) == 0 && c->lost == T3OPS_R_NONE;
	if (!c->gone && !frames_send(c))
		works = false;
	c->inside = false;
	if (c->gone)
		client_leave(c);
	else if (!works || wslay_event_get_close_received(c->frames) || is_close_sent(c))
		open_end(c);
	else
		watch(c, wants_write(c));
}

static void open_begin(struct wsclient *c)
{
	static const struct wslay_event_callbacks callbacks = {.recv_callback = on_recv,
	                                                       .send_callback = on_send,
	                                                       .genmask_callback = on_mask,
	                                                       .on_msg_recv_callback = on_message};

	if (wslay_event_context_client_init(&c->frames, &callbacks, c) != 0) {
		client_end(c, T3OPS_STEP_HTTP, T3OPS_R_LOCAL, 0, "no memory");
		return;
	}
	wslay_event_config_set_max_recv_msg_length(c->frames, c->max_message);
	c->state = OPEN;
	ev_timer_stop(c->loop, &c->limit);
	c->inside = true;
	c->cb.on_open(c, c->arg);
	c->inside = false;
	if (c->gone)
		client_leave(c);
	else
		open_run(c);
}

/* ---- the upgrade ------------------------------------------------------------------------------------ */

static bool accept_is_right(const struct wsclient *c, const struct http_head *h)
{
	const struct http_field *f = http_field_find(h, "sec-websocket-accept", 0);
	char want[WS_ACCEPT_SIZE];

	ws_accept_key(c->key, want);
	return f && span_is(f->value, want);
}

static void refused_end(struct wsclient *c)
{
	char text[64];

	snprintf(text, sizeof text, "the upgrade was answered %d", c->refused_status);
	client_end(c, T3OPS_STEP_HTTP, status_reason(c->refused_status), c->refused_status, text);
}

static void refused_run(struct wsclient *c)
{
	char bytes[READ_BYTES];
	ssize_t n;

	do
		n = bytes_recv(c, bytes, sizeof bytes);
	while (n > 0);
	if (n != -EAGAIN)
		refused_end(c);
	else
		watch(c, false);
}

/* Some t3 servers die of clients that leave before they themselves have ended an upgrade without a session. */
static void refused_begin(struct wsclient *c, int status)
{
	c->refused_status = status;
	if (status != HTTP_UNAUTHORIZED) {
		refused_end(c);
		return;
	}
	c->state = REFUSED;
	ev_timer_stop(c->loop, &c->limit);
	ev_timer_set(&c->limit, REFUSED_S, 0.);
	ev_timer_start(c->loop, &c->limit);
	refused_run(c);
}

/* Whether the owner closed it meanwhile. */
static bool location_report(struct wsclient *c, const struct http_head *h)
{
	const struct http_field *f = http_field_find(h, "cf-ray", 0);
	char ray[CF_RAY_SIZE];

	if (!f || f->value.len >= sizeof ray)
		return false;
	memcpy(ray, f->value.at, f->value.len);
	ray[f->value.len] = '\0';
	c->inside = true;
	c->cb.on_location(c, ray, c->arg);
	c->inside = false;
	return c->gone;
}

static void head_check(struct wsclient *c, size_t len)
{
	struct http_head *h = calloc(1, sizeof *h);
	int status = 0;

	if (!h || http_response_parse(h, buf_at(&c->in), len) != HTTP_SYNTAX_OK) {
		client_end(c, T3OPS_STEP_HTTP, T3OPS_R_PROTOCOL, 0, "the answer to the upgrade is not HTTP/1.1");
	} else if (location_report(c, h)) {
		client_destroy(c);
	} else if (h->status != 101) {
		status = h->status;
	} else if (!accept_is_right(c, h)) {
		client_end(c, T3OPS_STEP_HTTP, T3OPS_R_PROTOCOL, 101,
		           "the upgrade was answered with a wrong Sec-WebSocket-Accept");
	} else {
		buf_drop(&c->in, len);
		free(h);
		open_begin(c);
		return;
	}
	free(h);
	if (status > 0)
		refused_begin(c, status);
}

static void upgrade_run(struct wsclient *c)
{
	size_t seen = 0, len;
	ssize_t n;

	if (!out_flush(c)) {
		client_end(c, T3OPS_STEP_HTTP, T3OPS_R_RESET, 0, "the connection broke before the upgrade was sent");
		return;
	}
	do {
		n = buf_reserve(&c->in, READ_BYTES) ? bytes_recv(c, buf_end(&c->in), READ_BYTES) : -ENOMEM;
		if (n > 0)
			buf_added(&c->in, (size_t)n);
	} while (n > 0 && buf_len(&c->in) <= HEAD_MAX);
	if (buf_len(&c->in) > 0 && http_head_scan(buf_at(&c->in), buf_len(&c->in), &seen, &len) == HTTP_SCAN_DONE)
		head_check(c, len);
	else if (n == 0)
		client_end(c, T3OPS_STEP_HTTP, T3OPS_R_EOF, 0,
		           "the connection was closed before the upgrade was answered");
	else if (n != -EAGAIN)
		client_end(c, T3OPS_STEP_HTTP, n == -ECONNRESET ? T3OPS_R_RESET : T3OPS_R_PROTOCOL, 0,
		           "the connection broke before the upgrade was answered");
	else
		watch(c, buf_len(&c->out) > 0);
}

static void on_io(struct ev_loop *loop, struct ev_io *w, int revents)
{
	struct wsclient *c = w->data;

	(void)loop, (void)revents;
	if (c->state == UPGRADING)
		upgrade_run(c);
	else if (c->state == REFUSED)
		refused_run(c);
	else
		open_run(c);
}

static void upgrade_begin(struct wsclient *c)
{
	curl_socket_t fd = CURL_SOCKET_BAD;

	curl_easy_getinfo(c->transfer->easy, CURLINFO_ACTIVESOCKET, &fd);
	if (fd == CURL_SOCKET_BAD) {
		client_end(c, T3OPS_STEP_CONNECT, T3OPS_R_EOF, 0, "the connection was gone as soon as it was made");
		return;
	}
	c->state = UPGRADING;
	for (int i = 0; i < DIALS; i++)
		ev_io_stop(c->loop, &c->dials[i]);
	ev_timer_stop(c->loop, &c->timer);
	ev_io_init(&c->io, on_io, fd, EV_READ);
	c->io.data = c;
	c->inside = true;
	c->cb.on_step(c, T3OPS_STEP_HTTP, c->arg);
	c->inside = false;
	if (c->gone)
		client_destroy(c);
	else
		upgrade_run(c);
}

/* ---- connecting: libcurl --------------------------------------------------------------------------- */

/* Whether the owner closed it meanwhile. */
static bool certificate_report(struct wsclient *c)
{
	uint64_t until_us = certificate_until_us(c->transfer->easy);

	if (until_us == 0)
		return false;
	c->inside = true;
	c->cb.on_certificate(c, until_us, c->arg);
	c->inside = false;
	return c->gone;
}

/* The handle's fields die with it: the text is copied. */
static void connect_fail(struct wsclient *c, uint32_t step, enum t3ops_reason reason, const char *why)
{
	char text[CURL_ERROR_SIZE];

	snprintf(text, sizeof text, "%s", why);
	client_end(c, step, reason, 0, text);
}

/* That it expired is news only if the clock is right. */
static void untrusted_end(struct wsclient *c)
{
	bool clock = transfer_blames_clock(c->transfer);

	if (!clock && certificate_report(c))
		client_destroy(c);
	else
		connect_fail(c, T3OPS_STEP_TLS, clock ? T3OPS_R_CLOCK : T3OPS_R_TLS, c->transfer->error);
}

/* Connects once more without checking what is shown; false: it cannot. */
static bool look_begin(struct wsclient *c)
{
	curl_multi_remove_handle(c->multi, c->transfer->easy);
	transfer_is_untimely(c->transfer);
	transfer_look(c->transfer);
	if (curl_multi_add_handle(c->multi, c->transfer->easy) != CURLM_OK)
		return false;
	c->state = LOOKING;
	ev_timer_stop(c->loop, &c->limit);
	return true;
}

static void on_connect_failed(void *arg, const struct t3ops_fetched *f)
{
	struct wsclient *c = arg;

	if (f->error != -EKEYREJECTED || f->step == T3OPS_STEP_CONNECT || !look_begin(c))
		connect_fail(c, f->step, fetch_reason(f->error, f->step), f->error_text);
}

static void connect_end(struct wsclient *c, CURLcode code)
{
	c->transfer->code = code;
	if (c->state == LOOKING)
		untrusted_end(c);
	else if (code == CURLE_OK && certificate_report(c))
		client_destroy(c);
	else if (code == CURLE_OK && !transfer_peer_is_right(c->transfer))
		client_end(c, T3OPS_STEP_CONNECT, T3OPS_R_IMPOSTOR, 0, dial_error_text(-EKEYREJECTED));
	else if (code == CURLE_OK)
		upgrade_begin(c);
	else
		transfer_report(c->transfer);
}

static void step_report(struct wsclient *c, uint32_t step)
{
	if (step <= c->reported)
		return;
	c->reported = step;
	c->inside = true;
	c->cb.on_step(c, step, c->arg);
	c->inside = false;
}

static void connect_act(struct wsclient *c, curl_socket_t fd, int events)
{
	CURLMsg *m;
	int running, left;

	curl_multi_socket_action(c->multi, fd, events, &running);
	if (c->transfer->asking) /* and waits for whoever would answer the upgrade */
		step_report(c, T3OPS_STEP_HTTP);
	else if (c->transfer->step < T3OPS_STEP_HTTP)
		step_report(c, c->transfer->step);
	m = c->gone ? NULL : curl_multi_info_read(c->multi, &left);
	if (c->gone)
		client_destroy(c);
	else if (m && m->msg == CURLMSG_DONE)
		connect_end(c, m->data.result);
}

static void on_dial(struct ev_loop *loop, struct ev_io *w, int revents)
{
	(void)loop;
	connect_act(w->data, w->fd,
	            (revents & EV_READ ? CURL_CSELECT_IN : 0) | (revents & EV_WRITE ? CURL_CSELECT_OUT : 0));
}

static void on_timer(struct ev_loop *loop, struct ev_timer *w, int revents)
{
	struct wsclient *c = w->data;

	(void)loop, (void)revents;
	if (c->transfer->dial_error != 0)
		transfer_report(c->transfer);
	else if (c->refused)
		client_end(c, c->transfer->step, T3OPS_R_LOCAL, 0, "the URL or a header cannot be sent");
	else
		connect_act(c, CURL_SOCKET_TIMEOUT, 0);
}

/* While libcurl connects it keeps its own limit, which knows the step better. */
static void on_limit(struct ev_loop *loop, struct ev_timer *w, int revents)
{
	struct wsclient *c = w->data;

	(void)loop, (void)revents;
	if (c->state == REFUSED)
		refused_end(c);
	else
		client_end(c, T3OPS_STEP_HTTP, T3OPS_R_HTTP_TIMEOUT, 0, "the upgrade was not answered in time");
}

/* The watcher of that socket, or a free one; NULL: none is free. */
static struct ev_io *dial_of(struct wsclient *c, curl_socket_t fd)
{
	struct ev_io *unused = NULL;

	for (int i = 0; i < DIALS; i++) {
		if (ev_is_active(&c->dials[i]) && c->dials[i].fd == fd)
			return &c->dials[i];
		if (!ev_is_active(&c->dials[i]))
			unused = &c->dials[i];
	}
	return unused;
}

static int on_curl_socket(CURL *easy, curl_socket_t fd, int what, void *arg, void *known)
{
	struct wsclient *c = arg;
	struct ev_io *w = dial_of(c, fd);

	(void)easy, (void)known;
	if (!w)
		return -1;
	ev_io_stop(c->loop, w);
	if (what == CURL_POLL_REMOVE)
		return 0;
	ev_io_set(w, fd, (what & CURL_POLL_IN ? EV_READ : 0) | (what & CURL_POLL_OUT ? EV_WRITE : 0));
	ev_io_start(c->loop, w);
	return 0;
}

static int on_curl_timer(CURLM *multi, long after_ms, void *arg)
{
	struct wsclient *c = arg;

	(void)multi;
	ev_timer_stop(c->loop, &c->timer);
	if (after_ms >= 0) {
		ev_timer_set(&c->timer, (double)after_ms / 1e3, 0.);
		ev_timer_start(c->loop, &c->timer);
	}
	return 0;
}

/* ---- open and close ------------------------------------------------------------------------------------ */

/* "wss://host/path" as libcurl's "https://host/path". */
static bool url_make(const char *url, char *out, size_t size)
{
	bool tls = strncmp(url, "wss://", 6) == 0;
	int len = snprintf(out, size, "%s://%s", tls ? "https" : "http", url + (tls ? 6 : 5));

	return (tls || strncmp(url, "ws://", 5) == 0) && len > 0 && (size_t)len < size;
}

static bool upgrade_make(struct wsclient *c, const struct t3ops_ws_open *o)
{
	const char *host = strstr(o->url, "://") + 3;
	size_t host_len = strcspn(host, "/?#");
	const char *path = host + host_len;
	bool ok = ws_key_make(c->key) == 0;

	ok = ok && buf_printf(&c->out,
	                      "GET %s%.*s HTTP/1.1\r\nHost: %.*s\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
	                      "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: %s\r\nUser-Agent: " PACKAGE_NAME
	                      "/" PACKAGE_VERSION "\r\n",
	                      path[0] == '/' ? "" : "/", (int)strcspn(path, "#"), path, (int)host_len, host, c->key);
	for (size_t i = 0; ok && o->headers && o->headers[i]; i++)
		ok = !strpbrk(o->headers[i], "\r\n") && buf_printf(&c->out, "%s\r\n", o->headers[i]);
	return ok && buf_add(&c->out, "\r\n", 2);
}

static int transfer_run(struct wsclient *c)
{
	return curl_multi_add_handle(c->multi, c->transfer->easy) == CURLM_OK ? 0 : -ENOMEM;
}

static void on_dialled(void *arg, int error)
{
	struct wsclient *c = arg;
	struct transfer *t = c->transfer;

	if (error == 0) {
		transfer_use(t, dial_take(&t->dial), clock_mono_us() - t->dialled_us);
		error = transfer_run(c);
	}
	t->dial_error = error;
	if (error != 0)
		transfer_report(t);
}

/* From the timer, as the loop's own callbacks alone report an end. */
static void dial_fail(struct wsclient *c, int error)
{
	c->transfer->dial_error = error;
	ev_timer_start(c->loop, &c->timer);
}

static void dial_begin(struct wsclient *c, const struct fetch_way *way)
{
	static const struct dial_callbacks callbacks = {.done = on_dialled};
	struct transfer *t = c->transfer;
	int r;

	t->step = T3OPS_STEP_CONNECT;
	t->dialled_us = clock_mono_us();
	r = way->dialer ? dial_start(&t->dial, way->dialer, &way->target, t->connect_limit_us, &callbacks, c)
	                : -ENOKEY;
	if (r < 0)
		dial_fail(c, r);
}

static int transfer_start(struct wsclient *c, const struct t3ops_ws_open *o, const struct fetch_way *way)
{
	char url[1024] = "";
	bool fits = url_make(o->url, url, sizeof url) && upgrade_make(c, o);
	struct t3ops_fetch what = {.struct_size = sizeof what,
	                           .url = fits ? url : NULL,
	                           .timeout_us = o->timeout_us,
	                           .connect_to = o->connect_to,
	                           .interface = o->interface,
	                           .ca_file = o->ca_file};

	c->transfer = transfer_new(&what);
	c->transfer->cb = on_connect_failed;
	c->transfer->arg = c;
	if (c->transfer->refused)
		return c->transfer->refused;
	curl_easy_setopt(c->transfer->easy, CURLOPT_CONNECT_ONLY, 1L);
	curl_easy_setopt(c->transfer->easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	if (!way)
		return transfer_run(c);
	dial_begin(c, way);
	return 0;
}

struct wsclient *wsclient_open(struct ev_loop *loop, const struct t3ops_ws_open *o, const struct fetch_way *way,
                               const struct wsclient_callbacks *cb, size_t max_message, void *arg)
{
	struct wsclient *c = calloc(1, sizeof *c);
	uint64_t limit_us = o->timeout_us > 0 ? o->timeout_us : DEFAULT_TIMEOUT_US;

	if (!c || curl_global_init(CURL_GLOBAL_DEFAULT) != 0 || !(c->multi = curl_multi_init())) {
		free(c);
		return NULL;
	}
	c->loop = loop;
	c->cb = *cb;
	c->arg = arg;
	c->max_message = max_message > 0 ? max_message : READ_BYTES;
	ev_io_init(&c->io, on_io, -1, 0);
	for (int i = 0; i < DIALS; i++) {
		ev_init(&c->dials[i], on_dial);
		c->dials[i].data = c;
	}
	ev_timer_init(&c->timer, on_timer, 0., 0.);
	/* a little later than libcurl's own */
	ev_timer_init(&c->limit, on_limit, (double)limit_us / 1e6 + 0.2, 0.);
	c->io.data = c->timer.data = c->limit.data = c;
	curl_multi_setopt(c->multi, CURLMOPT_SOCKETFUNCTION, on_curl_socket);
	curl_multi_setopt(c->multi, CURLMOPT_SOCKETDATA, c);
	curl_multi_setopt(c->multi, CURLMOPT_TIMERFUNCTION, on_curl_timer);
	curl_multi_setopt(c->multi, CURLMOPT_TIMERDATA, c);
	c->refused = transfer_start(c, o, way);
	if (c->refused)
		ev_timer_start(loop, &c->timer);
	ev_timer_start(loop, &c->limit);
	return c;
}

int wsclient_send(struct wsclient *c, int op, const void *data, size_t len)
{
	struct wslay_event_msg m = {(uint8_t)op, data, len};

	if (c->state != OPEN || c->gone)
		return -ENOTCONN;
	if (wslay_event_queue_msg(c->frames, &m) != 0)
		return -EPIPE;
	if (c->inside)
		return 0;
	if (!frames_send(c))
		ev_feed_event(c->loop, &c->io, EV_READ); /* its end is reported from there */
	watch(c, wants_write(c));
	return 0;
}

bool wsclient_acknowledged(const struct wsclient *c, bool *acknowledged)
{
	if (c->state != OPEN || c->gone || !tcp_acknowledged(c->io.fd, acknowledged))
		return false;
	*acknowledged = *acknowledged && !wants_write(c);
	return true;
}

void wsclient_close(struct wsclient *c, int code)
{
	bool leaving = c->state == OPEN && !c->gone &&
	               wslay_event_queue_close(c->frames, (uint16_t)code, NULL, 0) == 0;

	if (leaving && !c->inside) {
		c->inside = true;
		frames_send(c);
		c->inside = false;
	}
	c->leaving = leaving;
	client_free(c);
}
