/* SPDX-License-Identifier: MIT */
/* Clients' connections; see client.h. */
#include "proxy/client.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "net/stream.h"
#include "proxy/quota.h"
#include "proxy/worker.h"
#include "sys/clock.h"

#define READ_BYTES    (16u << 10)
#define LINGER_US     UINT64_C(2000000)  /* without a byte */
#define LINGER_MAX_US UINT64_C(30000000) /* however much still comes */

struct clients {
	LIST_HEAD(, client) list;
	size_t n, n_untrusted;
	struct quota peers;
	struct worker *worker;
	const struct client_owner *owner;
};

static const struct client_owner *owner_of(const struct client *c)
{
	return c->worker->clients->owner;
}

/* ---- state and watchers -------------------------------------------------------------------- */

/* The one place that starts and stops them.  Reading goes on until something comes that nobody takes: most
 * requests are over before that, and the kernel is not asked twice. */
static void client_watch(struct client *c)
{
	struct ev_loop *loop = c->worker->loop;

	if (c->parked)
		ev_io_stop(loop, &c->rd);
	else
		ev_io_start(loop, &c->rd);
	if (buf_len(&c->out) > 0)
		ev_io_start(loop, &c->wr);
	else
		ev_io_stop(loop, &c->wr);
}

/* How long it may stay in its state; of SERVING its owner decides. */
static uint64_t limit_us(const struct client *c)
{
	const struct proxy_conf *conf = &c->worker->conf;

	switch (c->state) {
	case CLIENT_NEW:
	case CLIENT_READING:
		return conf->header_us;
	case CLIENT_IDLE:
		return conf->keepalive_us;
	case CLIENT_LINGERING:
		return LINGER_US;
	default:
		return conf->body_us;
	}
}

static void client_set_state(struct client *c, enum client_state state)
{
	c->state = state;
	c->body = CLIENT_BODY_NONE;
	c->parked = c->parked && (state == CLIENT_SERVING || state == CLIENT_FLUSHING);
	if (state != CLIENT_SERVING)
		client_deadline(c, limit_us(c));
	client_watch(c);
}

static void client_park(struct client *c)
{
	c->parked = true;
	client_watch(c);
}

void client_expect_body(struct client *c, enum client_body body)
{
	if (c->body == body)
		return;
	c->body = body;
	c->parked = body == CLIENT_BODY_PAUSED || (c->parked && body == CLIENT_BODY_NONE);
	client_watch(c);
}

void client_deadline(struct client *c, uint64_t after_us)
{
	deadline_set(c->worker->loop, &c->deadline, after_us);
}

/* ---- whose share it takes -------------------------------------------------------------------- */

/* Of a peer that is no trusted proxy.  All of them together leave the trusted ones half of all places. */
static bool has_place(const struct clients *all, const char *network)
{
	const struct proxy_conf *conf = &all->worker->conf;

	return all->n_untrusted < conf->max_connections / 2 &&
	       !quota_is_used_up(&all->peers, network, conf->max_peer_connections);
}

/* False: there is none.  Whoever must have one takes it all the same. */
static bool place_take(struct clients *all, struct client *c, bool must)
{
	char network[QUOTA_NETWORK_BYTES];

	if (c->peer.trust == PEER_TRUSTED)
		return true;
	quota_network(c->peer.address, network);
	c->counted = (must || has_place(all, network)) && quota_take(&all->peers, network);
	all->n_untrusted += c->counted;
	return must || c->counted;
}

static void place_give(struct clients *all, const struct client *c)
{
	char network[QUOTA_NETWORK_BYTES];

	if (!c->counted)
		return;
	quota_network(c->peer.address, network);
	quota_give(&all->peers, network);
	all->n_untrusted--;
}

/* ---- the end ------------------------------------------------------------------------------- */

static void client_forget(struct client *c)
{
	struct clients *all = c->worker->clients;
	struct worker *worker = c->worker;

	loop_turn_leave(&worker->process->turn, &c->place);
	ev_io_stop(worker->loop, &c->rd);
	ev_io_stop(worker->loop, &c->wr);
	deadline_stop(worker->loop, &c->deadline);
	buf_fini(&c->in);
	buf_fini(&c->readahead);
	buf_fini(&c->out);
	LIST_REMOVE(c, link);
	all->n--;
	place_give(all, c);
	worker_gauge_set(worker, worker->metrics.connections, all->n);
	free(c);
}

void client_close(struct client *c)
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

static void client_gone(struct client *c)
{
	if (c->state == CLIENT_SERVING)
		owner_of(c)->gone(c->request);
	else
		client_close(c);
}

/* Sends a FIN and reads on while the client still sends: a close with unread input would reset the connection
 * and take the response with it (RFC 9112 9.6). */
static void client_linger(struct client *c)
{
	c->linger_until_us = clock_mono_us() + LINGER_MAX_US;
	shutdown(c->rd.fd, SHUT_WR);
	buf_fini(&c->in);
	buf_fini(&c->readahead);
	client_set_state(c, CLIENT_LINGERING);
}

static void linger_read(struct client *c)
{
	ssize_t n = client_read(c, c->worker->scratch, SCRATCH_BYTES);

	if (n == 0 || (n < 0 && n != -EAGAIN) || clock_mono_us() > c->linger_until_us)
		client_close(c);
	else if (n > 0)
		client_deadline(c, LINGER_US);
}

/* ---- out --------------------------------------------------------------------------------------- */

size_t client_pending(const struct client *c)
{
	return buf_len(&c->out);
}

int client_send(struct client *c, const void *bytes, size_t n)
{
	int r = stream_send(c->wr.fd, &c->out, bytes, n);

	if (r == 0 && buf_len(&c->out) > 0)
		client_watch(c);
	return r;
}

/* What came early is looked at from the loop, not from inside the last request. */
static void client_resume(struct client *c)
{
	c->seen = 0;
	client_set_state(c, buf_len(&c->in) > 0 ? CLIENT_READING : CLIENT_IDLE);
	if (buf_len(&c->in) > 0)
		ev_feed_event(c->worker->loop, &c->rd, EV_CUSTOM);
}

/* Everything is out. */
static void client_flushed(struct client *c)
{
	if (!c->last)
		client_resume(c);
	else if (c->close_requested && buf_len(&c->in) == 0 && buf_len(&c->readahead) == 0)
		client_close(c); /* nothing more comes from there */
	else
		client_linger(c);
}

void client_next(struct client *c, size_t used, bool keep_alive)
{
	c->request = NULL;
	c->last = !keep_alive; /* whoever was told otherwise before a drain may send one more, here or elsewhere */
	buf_drop(&c->in, used);
	if (!c->last && buf_len(&c->readahead) > 0) {
		if (!buf_add(&c->in, buf_at(&c->readahead), buf_len(&c->readahead))) {
			client_close(c);
			return;
		}
		buf_fini(&c->readahead);
	}
	/* a client that does not read its responses gets no further ones */
	if (buf_len(&c->out) > 0)
		client_set_state(c, CLIENT_FLUSHING);
	else
		client_flushed(c);
}

static void on_writable(struct ev_loop *loop, struct ev_io *w, int revents)
{
	struct client *c = w->data;

	(void)loop, (void)revents;
	if (stream_flush(w->fd, &c->out) < 0) {
		client_gone(c);
		return;
	}
	client_watch(c);
	if (c->state == CLIENT_SERVING) {
		owner_of(c)->written(c->request);
		return;
	}
	client_deadline(c, limit_us(c));
	if (buf_len(&c->out) == 0)
		client_flushed(c);
}

/* ---- in ------------------------------------------------------------------------------------------ */

ssize_t client_read(struct client *c, void *bytes, size_t size)
{
	ssize_t n = recv(c->rd.fd, bytes, size, MSG_DONTWAIT);

	if (n >= 0)
		return n;
	return errno == EINTR ? -EAGAIN : -errno;
}

/* What there is to read: 1 for bytes, 0 for a FIN, -EAGAIN for nothing yet, or what broke it. */
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

/* Empty lines before a request are a known bad habit (RFC 9112 2.2). */
static void empty_lines_skip(struct client *c)
{
	while (buf_len(&c->in) >= 2 && memcmp(buf_at(&c->in), "\r\n", 2) == 0)
		buf_drop(&c->in, 2);
}

static void client_reject(struct client *c, enum reject_reason why)
{
	client_set_state(c, CLIENT_SERVING);
	owner_of(c)->rejected(c, why);
}

static void client_serve(struct client *c, size_t head_len)
{
	struct loop_turn *turn = &c->worker->process->turn;

	client_set_state(c, CLIENT_SERVING);
	owner_of(c)->request(c, head_len);
	loop_turn_spend(turn);
}

static void head_look(struct client *c)
{
	size_t len = 0, most = c->worker->conf.max_header_bytes;

	empty_lines_skip(c);
	switch (buf_len(&c->in) == 0 ? HTTP_SCAN_MORE
	                             : http_head_scan(buf_at(&c->in), buf_len(&c->in), &c->seen, &len)) {
	case HTTP_SCAN_BAD:
		client_reject(c, REJECT_LINE_ENDS);
		return;
	case HTTP_SCAN_DONE:
		if (len > most)
			client_reject(c, REJECT_HEAD_SIZE);
		else
			client_serve(c, len);
		return;
	case HTTP_SCAN_MORE:
		if (buf_len(&c->in) > most)
			client_reject(c, REJECT_HEAD_SIZE);
	}
}

/* Of a new one it says, too, whether its peer still counts as who it was. */
static ssize_t head_bytes_read(struct client *c)
{
	ssize_t n;

	if (c->state != CLIENT_NEW)
		return client_read(c, c->worker->scratch, READ_BYTES);
	n = peer_read(&c->peer, c->rd.fd, c->worker->scratch, READ_BYTES);
	return n == -EINTR ? -EAGAIN : n;
}

static void head_read(struct client *c)
{
	ssize_t n = head_bytes_read(c);

	if (n == -EAGAIN)
		return;
	if (n <= 0 || !buf_add(&c->in, c->worker->scratch, (size_t)n)) { /* no more memory than it has bytes */
		client_close(c);
		return;
	}
	empty_lines_skip(c);
	if (c->state != CLIENT_READING && buf_len(&c->in) > 0 &&
	    *buf_at(&c->in) != '\r') /* empty lines buy no time */
		client_set_state(c, CLIENT_READING);
	head_look(c);
}

static void on_readable(struct ev_loop *loop, struct ev_io *w, int revents)
{
	struct client *c = w->data;

	(void)loop;
	switch (c->state) {
	case CLIENT_NEW:
	case CLIENT_IDLE:
	case CLIENT_READING:
		if (revents & EV_CUSTOM)
			head_look(c);
		else if (!loop_turn_put_off(&c->worker->process->turn, &c->place, w))
			head_read(c);
		break;
	case CLIENT_SERVING:
		if (c->body == CLIENT_BODY_WANTED)
			owner_of(c)->readable(c->request);
		else if (client_is_reset(c))
			owner_of(c)->gone(c->request);
		else
			client_park(c);
		break;
	case CLIENT_FLUSHING:
		client_park(c); /* the next request waits in the kernel */
		break;
	case CLIENT_LINGERING:
		linger_read(c);
	}
}

static void on_deadline(void *arg)
{
	struct client *c = arg;

	if (c->state == CLIENT_SERVING)
		owner_of(c)->timed_out(c->request);
	else if (c->state == CLIENT_READING && buf_len(&c->in) > 0)
		client_reject(c, REJECT_TIMEOUT);
	else
		client_close(c);
}

/* ---- the beginning --------------------------------------------------------------------------------- */

static struct client *client_make(struct clients *all, int fd, const struct peer *peer, bool must)
{
	struct client *c = calloc(1, sizeof *c);
	struct worker *worker = all->worker;

	if (!c)
		return NULL;
	c->worker = worker;
	c->peer = *peer;
	ev_io_init(&c->rd, on_readable, fd, EV_READ);
	ev_io_init(&c->wr, on_writable, fd, EV_WRITE);
	c->rd.data = c->wr.data = c;
	deadline_init(&c->deadline, on_deadline, c);
	if (!place_take(all, c, must)) {
		series_add(worker->metrics.rejected, 1);
		free(c);
		return NULL;
	}
	LIST_INSERT_HEAD(&all->list, c, link);
	all->n++;
	worker_gauge_set(worker, worker->metrics.connections, all->n);
	return c;
}

static void client_begin(struct clients *all, int fd, const struct peer *peer, const struct client_name *name,
                         enum client_state state)
{
	struct client *c = client_make(all, fd, peer, false);

	if (!c) {
		close(fd);
		return;
	}
	if (name)
		c->name = *name;
	client_set_state(c, state);
}

void client_new(struct clients *all, const struct arrival *a)
{
	client_begin(all, a->fd, &a->peer, NULL, CLIENT_NEW);
}

static void name_make(const struct sockaddr *address, struct client_name *out)
{
	const struct sockaddr_in *v4 = (const void *)address;

	*out = (struct client_name){.proxied = true};
	if (!address)
		return;
	if (address->sa_family == AF_INET6) {
		memcpy(&out->address, address, sizeof out->address);
		return;
	}
	out->address.sin6_family = AF_INET6;
	out->address.sin6_port = v4->sin_port;
	memset(out->address.sin6_addr.s6_addr + 10, 0xff, 2);
	memcpy(out->address.sin6_addr.s6_addr + 12, &v4->sin_addr, sizeof v4->sin_addr);
}

static void named_find(struct clients *all, const struct client_name *name, struct peer *peer)
{
	bool nobody = name->address.sin6_family != AF_INET6;

	peer_find_named(all->worker->peers, nobody ? NULL : (const struct sockaddr *)&name->address, peer);
}

void client_new_named(struct clients *all, int fd, const struct sockaddr *named)
{
	struct client_name name;
	struct peer peer;

	name_make(named, &name);
	named_find(all, &name, &peer);
	client_begin(all, fd, &peer, &name, CLIENT_NEW);
}

/* Who is at the other end of one that moved here; false: it is broken, and nobody is. */
static bool moved_peer_find(struct clients *all, int fd, const struct client_name *name, struct peer *peer)
{
	struct sockaddr_storage address;
	socklen_t len = sizeof address;

	*peer = (struct peer){.address = PEER_LOCAL};
	if (name->proxied)
		named_find(all, name, peer);
	else if (getpeername(fd, (struct sockaddr *)&address, &len) < 0)
		return false;
	else
		peer_find(all->worker->peers, fd, (struct sockaddr *)&address, peer);
	return true;
}

void client_adopt(struct clients *all, int fd, const struct client_name *name)
{
	struct peer peer;

	if (moved_peer_find(all, fd, name, &peer))
		client_begin(all, fd, &peer, name, CLIENT_IDLE);
	else
		close(fd);
}

struct client *client_adopt_serving(struct clients *all, int fd, const struct client_name *name, struct span in,
                                    struct span out)
{
	struct client *c;
	struct peer peer;

	moved_peer_find(all, fd, name, &peer); /* of a broken one the next byte tells */
	c = client_make(all, fd, &peer, true);
	if (!c)
		return NULL;
	c->name = *name;
	if (!buf_add(&c->in, in.at, in.len) || !buf_add(&c->out, out.at, out.len)) {
		client_detach(c);
		return NULL;
	}
	client_set_state(c, CLIENT_SERVING);
	return c;
}

/* ---- all of them ------------------------------------------------------------------------------------- */

struct clients *clients_new(struct worker *worker, const struct client_owner *owner)
{
	struct clients *all = calloc(1, sizeof *all);

	if (!all)
		return NULL;
	LIST_INIT(&all->list);
	all->worker = worker;
	all->owner = owner;
	worker_gauge_set(worker, worker->metrics.connections, 0);
	return all;
}

size_t clients_count(const struct clients *all)
{
	return all->n;
}

static bool client_is_idle(const struct client *c)
{
	return c->state <= CLIENT_READING && buf_len(&c->in) == 0;
}

int clients_give_idle(struct clients *all, int (*give)(void *arg, int fd, const struct client_name *name), void *arg)
{
	struct client *c, *next;
	int r = 0;

	for (c = LIST_FIRST(&all->list); c && r == 0; c = next) {
		next = LIST_NEXT(c, link);
		if (!client_is_idle(c))
			continue;
		r = give(arg, c->rd.fd, &c->name);
		if (r == 0)
			client_close(c);
	}
	return r;
}

int clients_give_serving(struct clients *all, int (*give)(void *arg, void *request), void *arg)
{
	struct client *c, *next;
	int r = 0;

	for (c = LIST_FIRST(&all->list); c && r == 0; c = next) {
		next = LIST_NEXT(c, link);
		if (c->state == CLIENT_SERVING && c->request)
			r = give(arg, c->request);
	}
	return r;
}

void clients_close_all(struct clients *all)
{
	struct client *c;

	while ((c = LIST_FIRST(&all->list)))
		client_gone(c);
}

void clients_free(struct clients *all)
{
	if (!all)
		return;
	quota_fini(&all->peers);
	free(all);
}
