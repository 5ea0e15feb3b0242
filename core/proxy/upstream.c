/* SPDX-License-Identifier: MIT */
/* Connections to the instances and their pools; see upstream.h. */
#include "proxy/upstream.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "sys/clock.h"
#include "proxy/proxy_state.h"
#include "net/stream.h"

struct pool {
	LIST_ENTRY(pool) link;
	char host[48];
	uint16_t port;
	TAILQ_HEAD(, upstream) idle; /* the one used last comes first */
	size_t n;
	uint64_t failing_since_us; /* 0: its last word was an answer */
};

static struct pool *pool_find(struct proxy *f, const struct user *user)
{
	struct pool *p;

	LIST_FOREACH (p, &f->pools, link)
		if (p->port == user->port && strcmp(p->host, user->host) == 0)
			return p;
	p = calloc(1, sizeof *p);
	if (!p)
		return NULL;
	strcpy(p->host, user->host);
	p->port = user->port;
	TAILQ_INIT(&p->idle);
	LIST_INSERT_HEAD(&f->pools, p, link);
	return p;
}

static void pool_remove(struct upstream *u)
{
	TAILQ_REMOVE(&u->pool->idle, u, link);
	u->pool->n--;
	deadline_stop(u->proxy->loop, &u->idle);
}

static void upstream_free(struct upstream *u)
{
	ev_io_stop(u->proxy->loop, &u->rd);
	ev_io_stop(u->proxy->loop, &u->wr);
	deadline_stop(u->proxy->loop, &u->idle);
	buf_fini(&u->in);
	buf_fini(&u->out);
	free(u);
}

void upstream_close(struct upstream *u)
{
	close(u->rd.fd);
	upstream_free(u);
}

int upstream_detach(struct upstream *u)
{
	int fd = u->rd.fd;

	upstream_free(u);
	return fd;
}

static void on_idle(void *arg)
{
	struct upstream *u = arg;

	pool_remove(u);
	upstream_close(u);
}

static void on_readable(struct ev_loop *loop, struct ev_io *w, int revents)
{
	struct upstream *u = w->data;

	(void)loop, (void)revents;
	if (u->owner)
		u->owner->readable(u->arg);
	else
		on_idle(u); /* closed by the instance, or it speaks unasked */
}

static void on_connect(struct upstream *u)
{
	int error = 0;
	socklen_t len = sizeof error;

	getsockopt(u->wr.fd, SOL_SOCKET, SO_ERROR, &error, &len);
	if (error == 0)
		error = -stream_flush(u->wr.fd, &u->out);
	if (error != 0) {
		u->owner->failed(u->arg, -error);
		return;
	}
	u->connecting = false;
	ev_io_start(u->proxy->loop, &u->rd);
	if (buf_len(&u->out) > 0)
		ev_io_start(u->proxy->loop, &u->wr);
	u->owner->connected(u->arg);
}

static void on_writable(struct ev_loop *loop, struct ev_io *w, int revents)
{
	struct upstream *u = w->data;

	(void)revents;
	if (u->connecting) {
		ev_io_stop(loop, w);
		on_connect(u);
		return;
	}
	if (stream_flush(w->fd, &u->out) < 0) /* it may have answered early and closed: what can be read decides */
		buf_fini(&u->out);
	if (buf_len(&u->out) == 0) {
		ev_io_stop(loop, w);
		u->owner->drained(u->arg);
	}
}

/* 0.0.0.0 and :: mean this machine, as connect(2) takes them. */
static int address_make(const struct user *user, struct sockaddr_storage *out, socklen_t *len)
{
	struct sockaddr_in *v4 = (void *)out;
	struct sockaddr_in6 *v6 = (void *)out;

	memset(out, 0, sizeof *out);
	if (inet_pton(AF_INET, user->host, &v4->sin_addr) == 1) {
		v4->sin_family = AF_INET;
		if (v4->sin_addr.s_addr == htonl(INADDR_ANY))
			v4->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
		v4->sin_port = htons(user->port);
		*len = sizeof *v4;
		return 0;
	}
	v6->sin6_family = AF_INET6;
	v6->sin6_port = htons(user->port);
	*len = sizeof *v6;
	if (inet_pton(AF_INET6, user->host, &v6->sin6_addr) != 1)
		return -EINVAL;
	if (memcmp(&v6->sin6_addr, &in6addr_any, sizeof in6addr_any) == 0)
		v6->sin6_addr = in6addr_loopback;
	return 0;
}

static bool is_same_place(const struct sockaddr_storage *a, const struct sockaddr_storage *b)
{
	const struct sockaddr_in *a4 = (const void *)a, *b4 = (const void *)b;
	const struct sockaddr_in6 *a6 = (const void *)a, *b6 = (const void *)b;

	if (a->ss_family != b->ss_family)
		return false;
	if (a->ss_family == AF_INET)
		return a4->sin_port == b4->sin_port && a4->sin_addr.s_addr == b4->sin_addr.s_addr;
	return a6->sin6_port == b6->sin6_port && memcmp(&a6->sin6_addr, &b6->sin6_addr, sizeof a6->sin6_addr) == 0;
}

bool upstream_leads_to(int fd, const struct user *user)
{
	struct sockaddr_storage wanted, peer = {0};
	socklen_t wanted_len, len = sizeof peer;

	if (getpeername(fd, (struct sockaddr *)&peer, &len) < 0)
		return true;
	return address_make(user, &wanted, &wanted_len) == 0 && is_same_place(&wanted, &peer);
}

/* A socket that connects, or -errno. */
static int dial(const struct user *user)
{
	struct sockaddr_storage address;
	socklen_t len;
	int on = 1, fd, r = address_make(user, &address, &len);

	if (r < 0)
		return r;
	fd = socket(address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
	if (connect(fd, (struct sockaddr *)&address, len) < 0 && errno != EINPROGRESS) {
		r = -errno;
		close(fd);
		return r;
	}
	return fd;
}

static struct upstream *upstream_new(struct proxy *f, struct pool *pool, int fd)
{
	struct upstream *u = calloc(1, sizeof *u);

	if (!u)
		return NULL;
	u->proxy = f;
	u->pool = pool;
	u->connecting = true;
	ev_io_init(&u->rd, on_readable, fd, EV_READ);
	ev_io_init(&u->wr, on_writable, fd, EV_WRITE);
	u->rd.data = u->wr.data = u;
	deadline_init(&u->idle, on_idle, u);
	ev_io_start(f->loop, &u->wr);
	return u;
}

struct upstream *upstream_get(struct proxy *f, const struct user *user, bool reuse,
                              const struct upstream_owner *owner, void *arg)
{
	struct pool *pool = pool_find(f, user);
	struct upstream *u = reuse && pool ? TAILQ_FIRST(&pool->idle) : NULL;
	int fd;

	if (u) {
		pool_remove(u);
		u->reused = true;
		series_add(f->metrics.upstream_reused, 1);
	} else {
		fd = pool ? dial(user) : -ENOMEM;
		u = fd >= 0 ? upstream_new(f, pool, fd) : NULL;
		series_add(u ? f->metrics.upstream_connects : f->metrics.upstream_failures, 1);
		if (!u) {
			if (fd >= 0)
				close(fd);
			errno = fd < 0 ? -fd : ENOMEM;
			return NULL;
		}
	}
	u->waiting = SIZE_MAX;
	u->owner = owner;
	u->arg = arg;
	return u;
}

int upstream_send(struct upstream *u, const void *bytes, size_t n)
{
	int r;

	if (u->connecting)
		return buf_add(&u->out, bytes, n) ? 0 : -ENOMEM;
	r = stream_send(u->wr.fd, &u->out, bytes, n);
	if (r == 0 && buf_len(&u->out) > 0)
		ev_io_start(u->proxy->loop, &u->wr);
	return r;
}

bool upstream_is_taking(struct upstream *u)
{
	size_t before = u->waiting;
	int in_kernel = 0;

	if (ioctl(u->wr.fd, SIOCOUTQ, &in_kernel) < 0)
		in_kernel = 0;
	u->waiting = buf_len(&u->out) + (size_t)in_kernel;
	return u->waiting > 0 && u->waiting < before;
}

bool upstream_was_failing(const struct upstream *u)
{
	return u->pool->failing_since_us > 0;
}

void upstream_answers(struct upstream *u)
{
	u->pool->failing_since_us = 0;
}

uint64_t upstream_outage(struct proxy *f, const struct user *user)
{
	struct pool *pool = pool_find(f, user);
	uint64_t now_us = clock_wall_us();

	if (pool && pool->failing_since_us == 0)
		pool->failing_since_us = now_us;
	return pool ? pool->failing_since_us : now_us;
}

void upstream_put(struct upstream *u)
{
	struct proxy *f = u->proxy;

	if (u->pool->n >= f->conf.upstream_pool || f->draining || buf_len(&u->in) > 0 || buf_len(&u->out) > 0) {
		upstream_close(u);
		return;
	}
	u->owner = NULL;
	ev_io_start(f->loop, &u->rd);
	TAILQ_INSERT_HEAD(&u->pool->idle, u, link);
	u->pool->n++;
	deadline_set(f->loop, &u->idle, f->conf.upstream_idle_us);
}

void pools_free(struct proxy *f)
{
	struct pool *p;
	struct upstream *u;

	while ((p = LIST_FIRST(&f->pools))) {
		while ((u = TAILQ_FIRST(&p->idle)))
			on_idle(u);
		LIST_REMOVE(p, link);
		free(p);
	}
}
