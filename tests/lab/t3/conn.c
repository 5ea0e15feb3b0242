/* SPDX-License-Identifier: MIT */
/* Connections; see conn.h. */
#include "lab/t3/conn.h"

#include <assert.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lab/t3/api.h"
#include "lab/t3/crash.h"
#include "lab/t3/deflate.h"
#include "lab/t3/stop.h"
#include "lab/t3/websocket.h"

void buffer_add(struct buffer *b, const void *data, size_t len)
{
	if (b->len + len > b->size) {
		b->size = (b->len + len) * 2;
		b->data = realloc(b->data, b->size);
		assert(b->data);
	}
	if (len > 0)
		memcpy(b->data + b->len, data, len);
	b->len += len;
}

void buffer_drop(struct buffer *b, size_t len)
{
	b->len -= len;
	if (b->len > 0)
		memmove(b->data, b->data + len, b->len);
}

bool conn_peer_ended(const struct conn *c)
{
	char byte;

	return recv(c->reader.fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 0;
}

void conn_free(struct conn *c)
{
	struct server *s = c->server;

	ev_io_stop(s->loop, &c->reader);
	ev_io_stop(s->loop, &c->writer);
	ev_timer_stop(s->loop, &c->idle);
	ev_timer_stop(s->loop, &c->subscription.timer);
	close(c->reader.fd);
	if (c->prev)
		c->prev->next = c->next;
	else
		s->conns = c->next;
	if (c->next)
		c->next->prev = c->prev;
	free(c->in.data);
	free(c->out.data);
	free(c->message.data);
	deflater_free(c->deflater);
	free(c);
	stop_if_quiet(s);
}

/* The socket failed.  On a refused upgrade nobody in t3 listens for that. */
static void conn_fail(struct conn *c, const char *call)
{
	c->gone = true;
	if (c->state == CONN_REFUSED)
		crash_count(c, CRASH_RESET, call);
}

/* Everything queued is sent. */
static void conn_sent(struct conn *c)
{
	ev_io_stop(c->server->loop, &c->writer);
	if (c->state == CONN_REFUSED)
		shutdown(c->reader.fd, SHUT_WR);
	else if (c->closing)
		c->gone = true;
}

static void conn_flush(struct conn *c)
{
	while (c->out.len > 0) {
		ssize_t n = send(c->reader.fd, c->out.data, c->out.len, MSG_NOSIGNAL);

		if (n < 0 && errno == EAGAIN) {
			ev_io_start(c->server->loop, &c->writer);
			return;
		}
		if (n < 0) {
			conn_fail(c, "write");
			return;
		}
		buffer_drop(&c->out, (size_t)n);
	}
	conn_sent(c);
}

void conn_send(struct conn *c, const void *data, size_t len)
{
	buffer_add(&c->out, data, len);
	conn_flush(c);
}

void conn_close_after(struct conn *c)
{
	c->closing = true;
	if (c->out.len == 0)
		c->gone = true;
}

void conn_refused(struct conn *c)
{
	c->state = CONN_REFUSED;
	if (!c->gone)
		conn_flush(c);
}

static void request_log(const struct request *r)
{
	printf("request %s %s%s%s\n%s\n", r->method, r->path, *r->query ? "?" : "", r->query, r->head);
	fflush(stdout);
}

static void http_feed(struct conn *c)
{
	while (c->state == CONN_HTTP && !c->closing && !c->gone && c->in.len > 0) {
		struct request r;
		ssize_t n = request_read(&r, c->in.data, c->in.len);

		if (n == -EAGAIN) {
			if (r.expects_continue && !c->continued)
				conn_send(c, "HTTP/1.1 100 Continue\r\n\r\n", 25);
			c->continued = c->continued || r.expects_continue;
			return;
		}
		if (n < 0) {
			conn_send(c, "HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n", 47);
			conn_close_after(c);
			return;
		}
		if (ev_is_active(&c->server->dead_window)) {
			c->state = CONN_HUNG;
			return;
		}
		if (c->server->switches.log)
			request_log(&r);
		c->continued = false;
		api_answer(c, &r);
		buffer_drop(&c->in, (size_t)n);
	}
}

void conn_feed(struct conn *c)
{
	http_feed(c);
	if (c->state == CONN_WEBSOCKET && !c->gone)
		websocket_feed(c);
	if (c->state == CONN_HUNG || c->state == CONN_REFUSED)
		c->in.len = 0;
	if (c->state == CONN_HTTP || c->state == CONN_REFUSED)
		ev_timer_again(c->server->loop, &c->idle);
	else
		ev_timer_stop(c->server->loop, &c->idle);
}

static void on_readable(struct ev_loop *loop, ev_io *w, int events)
{
	struct conn *c = w->data;
	char data[65536];
	ssize_t n = recv(w->fd, data, sizeof data, 0);

	(void)loop;
	(void)events;
	if (n < 0 && errno == EAGAIN)
		return;
	if (n > 0) {
		buffer_add(&c->in, data, (size_t)n);
		conn_feed(c);
	} else if (n < 0) {
		conn_fail(c, "read");
	} else {
		c->gone = true;
	}
	if (c->gone)
		conn_free(c);
}

static void on_writable(struct ev_loop *loop, ev_io *w, int events)
{
	struct conn *c = w->data;

	(void)loop;
	(void)events;
	conn_flush(c);
	if (c->gone)
		conn_free(c);
}

static void on_idle(struct ev_loop *loop, ev_timer *w, int events)
{
	(void)loop;
	(void)events;
	conn_free(w->data);
}

struct conn *conn_new(struct server *s, int fd, bool guarded)
{
	struct conn *c = calloc(1, sizeof *c);

	assert(c);
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
	c->server = s;
	c->guarded = guarded;
	c->next = s->conns;
	if (c->next)
		c->next->prev = c;
	s->conns = c;
	ev_io_init(&c->reader, on_readable, fd, EV_READ);
	ev_io_init(&c->writer, on_writable, fd, EV_WRITE);
	ev_init(&c->idle, on_idle);
	c->idle.repeat = (double)s->switches.idle_ms / 1000;
	ev_init(&c->subscription.timer, websocket_on_chunk);
	c->reader.data = c->writer.data = c->idle.data = c->subscription.timer.data = c;
	ev_io_start(s->loop, &c->reader);
	return c;
}
