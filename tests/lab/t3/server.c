/* SPDX-License-Identifier: MIT */
/* The server; see server.h. */
#include "lab/t3/server.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lab/t3/api.h"
#include "lab/t3/websocket.h"

#define EXIT_STOPPED 130 /* t3 ends so at SIGTERM and SIGINT */

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

/* ---- connections */

static void stop_if_quiet(struct server *s);

static void conn_free(struct conn *c)
{
	struct server *s = c->server;

	ev_io_stop(s->loop, &c->reader);
	ev_io_stop(s->loop, &c->writer);
	ev_timer_stop(s->loop, &c->idle);
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
	free(c);
	stop_if_quiet(s);
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
			c->gone = true;
			return;
		}
		buffer_drop(&c->out, (size_t)n);
	}
	ev_io_stop(c->server->loop, &c->writer);
	if (c->closing)
		c->gone = true;
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

static void feed(struct conn *c)
{
	http_feed(c);
	if (c->state == CONN_WEBSOCKET && !c->gone)
		websocket_feed(c);
	if (c->state == CONN_HUNG)
		c->in.len = 0;
	if (c->state == CONN_HTTP)
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
	if (n <= 0) {
		conn_free(c);
		return;
	}
	buffer_add(&c->in, data, (size_t)n);
	feed(c);
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

static void on_accept(struct ev_loop *loop, ev_io *w, int events)
{
	struct server *s = w->data;
	int fd = accept4(w->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	struct conn *c;

	(void)events;
	if (fd < 0)
		return;
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
	c = calloc(1, sizeof *c);
	assert(c);
	c->server = s;
	c->next = s->conns;
	if (c->next)
		c->next->prev = c;
	s->conns = c;
	ev_io_init(&c->reader, on_readable, fd, EV_READ);
	ev_io_init(&c->writer, on_writable, fd, EV_WRITE);
	ev_init(&c->idle, on_idle);
	c->idle.repeat = (double)s->switches.idle_ms / 1000;
	c->reader.data = c->writer.data = c->idle.data = c;
	ev_io_start(loop, &c->reader);
}

/* ---- listening, refusing */

static int listen_at(struct server *s)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(s->port)};
	socklen_t len = sizeof a;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (inet_pton(AF_INET, s->host, &a.sin_addr) != 1)
		a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &(int){1}, sizeof(int));
	if (bind(fd, (struct sockaddr *)&a, len) != 0 || listen(fd, 511) != 0) {
		printf("Error: listen %s: address %s:%u\n", strerror(errno), s->host, s->port);
		close(fd);
		return -errno;
	}
	getsockname(fd, (struct sockaddr *)&a, &len);
	s->port = ntohs(a.sin_port);
	s->listener = fd;
	ev_io_set(&s->acceptor, fd, EV_READ);
	ev_io_start(s->loop, &s->acceptor);
	return 0;
}

static void listener_close(struct server *s)
{
	if (s->listener < 0)
		return;
	ev_io_stop(s->loop, &s->acceptor);
	close(s->listener);
	s->listener = -1;
}

static void listening_print(const struct server *s)
{
	printf("Listening on http://%s:%u\n", s->host, s->port);
	fflush(stdout);
}

static void on_dead_window_over(struct ev_loop *loop, ev_timer *w, int events)
{
	struct server *s = w->data;
	struct pairing_link link;

	(void)events;
	ev_timer_stop(loop, w);
	if (store_link_create(s->store, s->profile->roles ? "owner-bootstrap" : "administrative-bootstrap", 300,
	                      &link) == 0)
		printf("Token: %s\nPairing URL: http://%s:%u/pair#token=%s\n", link.credential, s->host, s->port,
		       link.credential);
	listening_print(s);
}

static void on_refuse(struct ev_loop *loop, ev_signal *w, int events)
{
	struct server *s = w->data;

	(void)loop;
	(void)events;
	listener_close(s);
	while (s->conns) {
		struct linger now = {1, 0};

		setsockopt(s->conns->reader.fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
		conn_free(s->conns);
	}
	puts("Refusing connections");
	fflush(stdout);
}

static void on_accept_again(struct ev_loop *loop, ev_signal *w, int events)
{
	struct server *s = w->data;

	(void)loop;
	(void)events;
	if (s->listener < 0 && listen_at(s) == 0)
		listening_print(s);
}

/* ---- the end */

static void on_end(struct ev_loop *loop, ev_timer *w, int events)
{
	struct server *s = w->data;

	(void)events;
	if (s->profile->slow_stop)
		for (struct conn *c = s->conns; c; c = c->next)
			if (c->state == CONN_WEBSOCKET)
				websocket_close(c, 0);
	ev_break(loop, EVBREAK_ALL);
}

static void stop_if_quiet(struct server *s)
{
	if (!s->stopping)
		return;
	for (struct conn *c = s->conns; c; c = c->next)
		if (c->state != CONN_HTTP)
			return;
	ev_break(s->loop, EVBREAK_ALL);
}

static void on_stop(struct ev_loop *loop, ev_signal *w, int events)
{
	struct server *s = w->data;
	ev_tstamp grace = s->profile->slow_stop ? (double)s->switches.grace_ms / 1000 : 0.05;

	(void)events;
	if (s->stopping)
		return;
	s->stopping = true;
	listener_close(s);
	ev_timer_set(&s->end, grace, 0);
	ev_timer_start(loop, &s->end);
	if (!s->profile->slow_stop)
		for (struct conn *c = s->conns; c; c = c->next)
			if (c->state == CONN_WEBSOCKET)
				websocket_close(c, 0);
	stop_if_quiet(s);
}

static void signals_watch(struct server *s)
{
	const struct {
		ev_signal *w;
		int number;
		void (*cb)(struct ev_loop *, ev_signal *, int);
	} all[] = {
	    {&s->sigterm, SIGTERM, on_stop},
	    {&s->sigint, SIGINT, on_stop},
	    {&s->sigusr1, SIGUSR1, on_refuse},
	    {&s->sigusr2, SIGUSR2, on_accept_again},
	};

	for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
		ev_signal_init(all[i].w, all[i].cb, all[i].number);
		all[i].w->data = s;
		ev_signal_start(s->loop, all[i].w);
	}
}

static void runtime_file(const struct server *s, bool there)
{
	char path[700], now[TIME_SIZE];
	FILE *f;

	snprintf(path, sizeof path, "%s/userdata/server-runtime.json", s->store->dir);
	if (!there) {
		unlink(path);
		return;
	}
	store_time(0, now);
	f = fopen(path, "we");
	if (!f)
		return;
	fprintf(f,
	        "{\"version\":1,\"pid\":%d,\"host\":\"%s\",\"port\":%u,\"origin\":\"http://"
	        "127.0.0.1:%u\",\"startedAt\":\"%s\"}",
	        getpid(), s->host, s->port, s->port, now);
	fclose(f);
}

static void cookie_name_set(struct server *s)
{
	uint8_t sum[20];

	snprintf(s->cookie_name, sizeof s->cookie_name, "t3_session");
	if (!s->profile->own_cookie_on_loopback || strcmp(s->host, "127.0.0.1") != 0)
		return;
	token_sha1(s->store->dir, strlen(s->store->dir), sum);
	snprintf(s->cookie_name, sizeof s->cookie_name, "t3_session_%u_%02x%02x%02x%02x%02x%02x", s->port, sum[0],
	         sum[1], sum[2], sum[3], sum[4], sum[5]);
}

int server_run(struct server *s, const char *host, uint16_t port)
{
	s->loop = ev_default_loop(0);
	s->host = host;
	s->port = port;
	s->listener = -1;
	ev_init(&s->acceptor, on_accept);
	ev_init(&s->end, on_end);
	ev_timer_init(&s->dead_window, on_dead_window_over, (double)s->switches.dead_ms / 1000, 0);
	s->acceptor.data = s->end.data = s->dead_window.data = s;
	signals_watch(s);
	usleep((useconds_t)(s->switches.start_ms * 1000));
	if (listen_at(s) != 0)
		return 1;
	cookie_name_set(s);
	ev_now_update(s->loop);
	ev_timer_start(s->loop, &s->dead_window);
	runtime_file(s, true);
	ev_run(s->loop, 0);
	s->stopping = false;
	while (s->conns)
		conn_free(s->conns);
	runtime_file(s, false);
	ev_loop_destroy(s->loop);
	return EXIT_STOPPED;
}
