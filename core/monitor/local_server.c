/* SPDX-License-Identifier: MIT */
/* Connections of the monitor's own listeners; see local_server.h. */
#include "monitor/local_server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <unistd.h>

#include "sys/buf.h"
#include "sys/clock.h"

#define READ_BYTES        4096
#define SEND_BYTES        (256u << 10) /* in a turn of the loop: others have it, too */
#define ACCEPT_PAUSE_S    1.0
#define LAST_QUESTIONS_US 1000000 /* at the end, for all that have said nothing yet */

struct local_conn {
	LIST_ENTRY(local_conn) link;
	struct local_server *server;
	struct ev_io readable, writable;
	struct ev_timer deadline;
	struct buf in, out;
	struct shared_text *text;    /* behind out; NULL: none */
	size_t text_at;              /* what is before is sent */
	struct buf rest;             /* behind the text */
	char peer[INET6_ADDRSTRLEN]; /* "" for a Unix socket */
	bool finishing, broken, held, inside, heard;
};

struct local_server {
	struct ev_loop *loop;
	struct ev_io acceptable;
	struct ev_timer pause; /* of accepting, when descriptors ran out */
	const struct local_rules *rules;
	void *arg;
	LIST_HEAD(, local_conn) conns;
	size_t n;
};

static void conn_free(struct local_conn *c)
{
	struct local_server *s = c->server;

	if (s->rules->on_end != NULL)
		s->rules->on_end(c, s->arg);
	ev_io_stop(s->loop, &c->readable);
	ev_io_stop(s->loop, &c->writable);
	ev_timer_stop(s->loop, &c->deadline);
	close(c->readable.fd);
	buf_fini(&c->in);
	buf_fini(&c->out);
	shared_text_release(c->text);
	buf_fini(&c->rest);
	LIST_REMOVE(c, link);
	s->n--;
	free(c);
}

static size_t text_len(const struct local_conn *c)
{
	return c->text != NULL ? buf_len(&c->text->bytes) - c->text_at : 0;
}

static size_t unsent(const struct local_conn *c)
{
	return buf_len(&c->out) + text_len(c) + buf_len(&c->rest);
}

/* What is to be sent next: in one piece, at most max. */
static size_t next_piece(const struct local_conn *c, size_t max, const char **at)
{
	size_t n = buf_len(&c->out);

	*at = buf_at(&c->out);
	if (n == 0 && c->text != NULL) {
		n = text_len(c);
		*at = buf_at(&c->text->bytes) + c->text_at;
	}
	return n < max ? n : max;
}

static void piece_sent(struct local_conn *c, size_t n)
{
	if (buf_len(&c->out) > 0)
		buf_drop(&c->out, n);
	else
		c->text_at += n;
	if (buf_len(&c->out) > 0 || c->text == NULL || text_len(c) > 0)
		return;
	shared_text_release(c->text);
	c->text = NULL;
	c->text_at = 0;
	c->out = c->rest;
	c->rest = (struct buf){0};
}

/* At most max bytes. */
static void conn_flush(struct local_conn *c, size_t max)
{
	const char *at;

	while (max > 0 && unsent(c) > 0) {
		size_t len = next_piece(c, max, &at);
		ssize_t n = send(c->writable.fd, at, len, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			c->broken = c->broken || errno != EAGAIN;
			return;
		}
		max -= (size_t)n;
		piece_sent(c, (size_t)n);
	}
}

/* After anything happened: end it or wait for the right thing.  c may be gone afterwards. */
static void conn_settle(struct local_conn *c)
{
	struct ev_loop *loop = c->server->loop;

	if (c->inside)
		return;
	conn_flush(c, SEND_BYTES);
	if (c->broken || (c->finishing && unsent(c) == 0)) {
		conn_free(c);
		return;
	}
	if (unsent(c) > 0)
		ev_io_start(loop, &c->writable);
	else
		ev_io_stop(loop, &c->writable);
	if (c->finishing)
		ev_io_stop(loop, &c->readable);
}

void local_send(struct local_conn *c, const void *bytes, size_t n)
{
	if (c->broken)
		return;
	c->broken = unsent(c) > c->server->rules->max_output ||
	            !buf_add(c->text != NULL ? &c->rest : &c->out, bytes, n);
	if (!c->inside)
		ev_feed_event(c->server->loop, &c->writable, EV_WRITE);
}

void local_send_text(struct local_conn *c, struct shared_text *text)
{
	if (c->text != NULL || c->broken || buf_len(&text->bytes) == 0) {
		local_send(c, buf_at(&text->bytes), buf_len(&text->bytes));
		return;
	}
	c->broken = unsent(c) > c->server->rules->max_output;
	c->text = shared_text_hold(text);
	if (!c->inside)
		ev_feed_event(c->server->loop, &c->writable, EV_WRITE);
}

const char *local_peer(const struct local_conn *c)
{
	return c->peer;
}

void local_finish(struct local_conn *c)
{
	c->finishing = true;
	if (!c->inside)
		ev_feed_event(c->server->loop, &c->writable, EV_WRITE);
}

void local_hold(struct local_conn *c, bool held)
{
	if (held)
		ev_timer_stop(c->server->loop, &c->deadline);
	else
		ev_timer_again(c->server->loop, &c->deadline);
	c->held = held;
}

static void input_use(struct local_conn *c)
{
	const struct local_rules *rules = c->server->rules;

	while (!c->finishing && !c->broken && buf_len(&c->in) > 0) {
		size_t used = rules->on_input(c, buf_at(&c->in), buf_len(&c->in), c->server->arg);

		if (used == 0)
			break;
		buf_drop(&c->in, used);
		if (!c->held)
			ev_timer_again(c->server->loop, &c->deadline);
	}
	if (!c->finishing && buf_len(&c->in) > rules->max_input)
		c->broken = true;
}

static void on_readable(struct ev_loop *loop, struct ev_io *w, int revents)
{
	struct local_conn *c = w->data;
	ssize_t n;

	(void)loop, (void)revents;
	if (!buf_reserve(&c->in, READ_BYTES)) {
		conn_free(c);
		return;
	}
	n = recv(w->fd, buf_end(&c->in), READ_BYTES, 0);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		conn_free(c);
		return;
	}
	buf_added(&c->in, (size_t)n);
	c->heard = c->inside = true;
	input_use(c);
	c->inside = false;
	conn_settle(c);
}

static void on_writable(struct ev_loop *loop, struct ev_io *w, int revents)
{
	(void)loop, (void)revents;
	conn_settle(w->data);
}

static void on_deadline(struct ev_loop *loop, struct ev_timer *w, int revents)
{
	(void)loop, (void)revents;
	conn_free(w->data);
}

static void peer_name(int fd, char out[INET6_ADDRSTRLEN])
{
	union {
		struct sockaddr any;
		struct sockaddr_in v4;
		struct sockaddr_in6 v6;
		struct sockaddr_storage room;
	} a;
	socklen_t len = sizeof a;

	out[0] = '\0';
	if (getpeername(fd, &a.any, &len) < 0)
		return;
	if (a.any.sa_family == AF_INET)
		inet_ntop(AF_INET, &a.v4.sin_addr, out, INET6_ADDRSTRLEN);
	else if (a.any.sa_family == AF_INET6)
		inet_ntop(AF_INET6, &a.v6.sin6_addr, out, INET6_ADDRSTRLEN);
}

static size_t connections_of(const struct local_server *s, const char *peer)
{
	const struct local_conn *c;
	size_t n = 0;

	LIST_FOREACH (c, &s->conns, link)
		n += strcmp(c->peer, peer) == 0;
	return n;
}

/* The oldest one of the peer that has most: the list begins with the newest. */
static struct local_conn *victim_find(const struct local_server *s)
{
	struct local_conn *c, *victim = NULL;
	size_t most = 0;

	LIST_FOREACH (c, &s->conns, link) {
		size_t n = connections_of(s, c->peer);

		if (n < most)
			continue;
		most = n;
		victim = c;
	}
	return victim;
}

/* So that whoever fills the places keeps nobody else out. */
static bool room_make(struct local_server *s)
{
	struct local_conn *victim = s->rules->on_evict ? victim_find(s) : NULL;

	if (s->n < s->rules->max_connections)
		return true;
	if (!victim)
		return false;
	s->rules->on_evict(victim->peer, s->arg);
	conn_free(victim);
	return true;
}

static void conn_new(struct local_server *s, int fd)
{
	bool taken = (!s->rules->on_accept || s->rules->on_accept(fd, s->arg)) && room_make(s);
	struct local_conn *c = taken ? calloc(1, sizeof *c) : NULL;

	if (c == NULL) {
		close(fd);
		return;
	}
	c->server = s;
	peer_name(fd, c->peer);
	ev_io_init(&c->readable, on_readable, fd, EV_READ);
	ev_io_init(&c->writable, on_writable, fd, EV_WRITE);
	ev_timer_init(&c->deadline, on_deadline, 0., s->rules->deadline_s);
	c->readable.data = c->writable.data = c->deadline.data = c;
	ev_io_start(s->loop, &c->readable);
	ev_timer_again(s->loop, &c->deadline);
	LIST_INSERT_HEAD(&s->conns, c, link);
	s->n++;
}

static void on_acceptable(struct ev_loop *loop, struct ev_io *w, int revents)
{
	struct local_server *s = w->data;
	int fd = accept4(w->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

	(void)revents;
	if (fd >= 0) {
		conn_new(s, fd);
	} else if (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS) {
		ev_io_stop(loop, &s->acceptable);
		ev_timer_again(loop, &s->pause);
	}
}

static void on_pause_over(struct ev_loop *loop, struct ev_timer *w, int revents)
{
	struct local_server *s = w->data;

	(void)revents;
	ev_timer_stop(loop, w);
	ev_io_start(loop, &s->acceptable);
}

struct local_server *local_server_new(struct ev_loop *loop, int fd, const struct local_rules *rules, void *arg)
{
	struct local_server *s = calloc(1, sizeof *s);

	if (s == NULL)
		return NULL;
	s->loop = loop;
	s->rules = rules;
	s->arg = arg;
	LIST_INIT(&s->conns);
	ev_io_init(&s->acceptable, on_acceptable, fd, EV_READ);
	ev_timer_init(&s->pause, on_pause_over, 0., ACCEPT_PAUSE_S);
	s->acceptable.data = s->pause.data = s;
	ev_io_start(loop, &s->acceptable);
	return s;
}

/* The first one that has said nothing yet. */
static struct local_conn *silent_find(const struct local_server *s)
{
	struct local_conn *c;

	LIST_FOREACH (c, &s->conns, link)
		if (!c->heard)
			return c;
	return NULL;
}

/* Whoever was accepted a moment ago is about to ask, and nobody else has the connection. */
static void last_questions_take(struct local_server *s)
{
	uint64_t end_us = clock_mono_us() + LAST_QUESTIONS_US;
	struct local_conn *c;

	while ((c = silent_find(s))) {
		struct pollfd p = {.fd = c->readable.fd, .events = POLLIN};
		uint64_t now_us = clock_mono_us();

		c->heard = true;
		if (poll(&p, 1, now_us < end_us ? (int)((end_us - now_us) / 1000) : 0) > 0)
			on_readable(s->loop, &c->readable, EV_READ);
	}
}

void local_server_free(struct local_server *s)
{
	struct local_conn *c;

	if (s == NULL)
		return;
	ev_io_stop(s->loop, &s->acceptable);
	ev_timer_stop(s->loop, &s->pause);
	last_questions_take(s);
	while ((c = LIST_FIRST(&s->conns)) != NULL) {
		conn_flush(c, SIZE_MAX);
		conn_free(c);
	}
	free(s);
}
