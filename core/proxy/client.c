/* SPDX-License-Identifier: MIT */
/* Clients' connections; see client.h. */
#include "proxy/client.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "proxy/exchange.h"
#include "net/stream.h"

#define READ_BYTES (16u << 10)
#define LINGER_US  UINT64_C(2000000) /* without a byte */
#define LINGER_S   30.               /* however much still comes */

void client_deadline(struct client *c, uint64_t after_us)
{
	deadline_set(c->proxy->loop, &c->deadline, after_us);
}

/* What is there to be read: 1 for bytes, 0 for a FIN, -EAGAIN for nothing yet, or what ended it. */
static int client_peek(const struct client *c)
{
	char byte;
	ssize_t n = recv(c->rd.fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT);

	if (n >= 0)
		return (int)n;
	return errno == EINTR ? -EAGAIN : -errno;
}

/* Gone for good, while a FIN alone may be half of a close (RFC 9112 9.6). */
static bool client_is_reset(const struct client *c)
{
	int seen = client_peek(c);

	return seen < 0 && seen != -EAGAIN;
}

bool client_is_idle(const struct client *c)
{
	return !c->exchange && !c->lingering && buf_len(&c->in) == 0 && buf_len(&c->out) == 0 &&
	       client_peek(c) == -EAGAIN;
}

/* ---- the end ------------------------------------------------------------------------------- */

static void client_forget(struct client *c)
{
	struct proxy *f = c->proxy;

	ev_io_stop(f->loop, &c->rd);
	ev_io_stop(f->loop, &c->wr);
	deadline_stop(f->loop, &c->deadline);
	buf_fini(&c->in);
	buf_fini(&c->readahead);
	buf_fini(&c->out);
	LIST_REMOVE(c, link);
	f->n_clients--;
	if (c->counted)
		quota_give(&f->peers, c->peer);
	proxy_gauges_set(f);
	free(c);
}

void client_free(struct client *c)
{
	close(c->rd.fd);
	client_forget(c);
}

int client_detach(struct client *c)
{
	int fd = c->rd.fd;

	client_forget(c);
	return fd;
}

/* Sends a FIN and reads on while the client still sends: a close with unread input would reset the
 * connection and take the answer with it (RFC 9112 9.6). */
static void client_linger(struct client *c)
{
	c->lingering = true;
	c->linger_until = ev_now(c->proxy->loop) + LINGER_S;
	shutdown(c->rd.fd, SHUT_WR);
	buf_fini(&c->in);
	buf_fini(&c->readahead);
	client_deadline(c, LINGER_US);
	ev_io_start(c->proxy->loop, &c->rd);
}

static void linger_read(struct client *c)
{
	ssize_t n = recv(c->rd.fd, c->proxy->scratch, SCRATCH_BYTES, MSG_DONTWAIT);

	if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR) || ev_now(c->proxy->loop) > c->linger_until)
		client_free(c);
	else if (n > 0)
		client_deadline(c, LINGER_US);
}

static void client_finish(struct client *c)
{
	c->closing = true;
	if (buf_len(&c->out) > 0) { /* on_writable comes back here */
		client_deadline(c, c->proxy->conf.body_us);
		return;
	}
	if (c->half_closed || (c->close_requested && buf_len(&c->in) == 0 && buf_len(&c->readahead) == 0))
		client_free(c); /* nothing more will come from there */
	else
		client_linger(c);
}

static void on_deadline(void *arg)
{
	struct client *c = arg;

	if (c->exchange)
		exchange_timeout(c->exchange);
	else if (!c->lingering && buf_len(&c->in) > 0 && buf_len(&c->out) == 0)
		exchange_reject(c, REJECT_TIMEOUT);
	else
		client_free(c);
}

/* Reads the next request, once everything queued is out: a client that does not read its answers gets
 * no further ones.  What is here already is looked at from the loop, not from inside the last one. */
static void client_resume(struct client *c)
{
	struct proxy *f = c->proxy;

	if (buf_len(&c->out) > 0) {
		client_deadline(c, f->conf.body_us);
		return;
	}
	c->seen = 0;
	ev_io_start(f->loop, &c->rd);
	client_deadline(c, buf_len(&c->in) > 0 ? f->conf.header_us : f->conf.keepalive_us);
	if (buf_len(&c->in) > 0)
		ev_feed_event(f->loop, &c->rd, EV_CUSTOM);
}

/* ---- out --------------------------------------------------------------------------------------- */

int client_send(struct client *c, const void *bytes, size_t n)
{
	int r = stream_send(c->wr.fd, &c->out, bytes, n);

	if (r == 0 && buf_len(&c->out) > 0)
		ev_io_start(c->proxy->loop, &c->wr);
	return r;
}

static void on_writable(struct ev_loop *loop, struct ev_io *w, int revents)
{
	struct client *c = w->data;
	int r = stream_flush(w->fd, &c->out);

	(void)revents;
	if (r < 0) {
		if (c->exchange)
			exchange_client_gone(c->exchange);
		else
			client_free(c);
		return;
	}
	client_deadline(c, c->proxy->conf.body_us);
	if (buf_len(&c->out) > 0)
		return;
	ev_io_stop(loop, w);
	if (c->exchange)
		exchange_client_drained(c->exchange);
	else if (c->closing)
		client_finish(c);
	else
		client_resume(c);
}

/* ---- in ------------------------------------------------------------------------------------------ */

/* Empty lines before a request are a known bad habit (RFC 9112 2.2). */
static void empty_lines_skip(struct client *c)
{
	while (buf_len(&c->in) >= 2 && memcmp(buf_at(&c->in), "\r\n", 2) == 0)
		buf_drop(&c->in, 2);
}

static void head_look(struct client *c)
{
	size_t len = 0;

	empty_lines_skip(c);
	switch (buf_len(&c->in) == 0 ? HTTP_SCAN_MORE
	                             : http_head_scan(buf_at(&c->in), buf_len(&c->in), &c->seen, &len)) {
	case HTTP_SCAN_BAD:
		exchange_reject(c, REJECT_LINE_ENDS);
		return;
	case HTTP_SCAN_DONE:
		if (len > c->proxy->conf.max_header_bytes)
			exchange_reject(c, REJECT_HEAD_SIZE);
		else
			exchange_begin(c, len);
		return;
	case HTTP_SCAN_MORE:
		if (buf_len(&c->in) > c->proxy->conf.max_header_bytes)
			exchange_reject(c, REJECT_HEAD_SIZE);
		else if (c->half_closed)
			client_free(c); /* half a request */
	}
}

static void client_read_head(struct client *c)
{
	bool first = buf_len(&c->in) == 0;
	ssize_t n = recv(c->rd.fd, c->proxy->scratch, READ_BYTES, MSG_DONTWAIT);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0 || !buf_add(&c->in, c->proxy->scratch, (size_t)n)) { /* no more memory than it has bytes */
		client_free(c);
		return;
	}
	empty_lines_skip(c);
	if (first && buf_len(&c->in) > 0 && *buf_at(&c->in) != '\r') /* empty lines buy no time */
		client_deadline(c, c->proxy->conf.header_us);
	head_look(c);
}

static void on_readable(struct ev_loop *loop, struct ev_io *w, int revents)
{
	struct client *c = w->data;
	struct exchange *x = c->exchange;

	if (c->lingering)
		linger_read(c);
	else if (x && exchange_wants_body(x))
		exchange_client_readable(x);
	else if (x && client_is_reset(c))
		exchange_client_gone(x);
	else if (x || buf_len(&c->out) > 0)
		ev_io_stop(loop, w); /* the next request waits in the kernel */
	else if (revents & EV_CUSTOM)
		head_look(c);
	else
		client_read_head(c);
}

void client_next(struct client *c, size_t used, bool keep_alive)
{
	struct proxy *f = c->proxy;

	buf_drop(&c->in, used);
	if (!keep_alive || c->half_closed || f->draining) {
		client_finish(c);
		return;
	}
	if (buf_len(&c->readahead) > 0) {
		if (!buf_add(&c->in, buf_at(&c->readahead), buf_len(&c->readahead))) {
			client_free(c);
			return;
		}
		buf_fini(&c->readahead);
	}
	client_resume(c);
}

void client_new(struct proxy *f, int fd, const struct sockaddr *peer)
{
	struct client *c = calloc(1, sizeof *c);

	if (!c) {
		close(fd);
		return;
	}
	c->proxy = f;
	c->trusted = cidr_has(&f->conf.trusted, peer);
	peer_name(peer, c->peer, sizeof c->peer);
	ev_io_init(&c->rd, on_readable, fd, EV_READ);
	ev_io_init(&c->wr, on_writable, fd, EV_WRITE);
	c->rd.data = c->wr.data = c;
	deadline_init(&c->deadline, on_deadline, c);
	if (!c->trusted && quota_is_used_up(&f->peers, c->peer, f->conf.max_peer_connections)) {
		series_add(f->metrics.rejected, 1);
		close(fd);
		free(c);
		return;
	}
	c->counted = !c->trusted && quota_take(&f->peers, c->peer);
	LIST_INSERT_HEAD(&f->clients, c, link);
	f->n_clients++;
	proxy_gauges_set(f);
	client_deadline(c, f->conf.header_us);
	ev_io_start(f->loop, &c->rd);
}
