/* SPDX-License-Identifier: MIT */
/* Connections to the t3 servers and their pools; see upstream.h. */
#include "proxy/upstream.h"

#include <errno.h>
#include <linux/sockios.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "net/stream.h"
#include "process/upstream_dialer.h"
#include "proxy/worker.h"
#include "sys/clock.h"
#include "tbl/hash.h"
#include "users/user_target.h"

#define RETIRED_US UINT64_C(60000000) /* a stopping t3 takes up to 35 s to end a connection */

struct pool {
	LIST_ENTRY(pool) link;
	struct user server;          /* the row of one of its users */
	TAILQ_HEAD(, upstream) idle; /* the one used last comes first */
	size_t n;
	uint64_t failing_since_us; /* 0: it responded last time */
	bool doubted;              /* it could not be reached, or is another one, and has answered nothing since */
	uint64_t listener;         /* as listener_of; 0: not known */
};

struct upstreams {
	LIST_HEAD(, pool) pools;
	LIST_HEAD(, upstream) retired;
	struct worker *worker;
};

static struct pool *pool_find(struct upstreams *all, const struct user *user)
{
	struct pool *p;

	LIST_FOREACH (p, &all->pools, link)
		if (user_has_same_server(&p->server, user))
			return p;
	p = calloc(1, sizeof *p);
	if (!p)
		return NULL;
	p->server = *user;
	TAILQ_INIT(&p->idle);
	LIST_INSERT_HEAD(&all->pools, p, link);
	return p;
}

/* ---- state and watchers -------------------------------------------------------------------- */

/* The one place that starts and stops them. */
static void upstream_watch(struct upstream *u)
{
	struct ev_loop *loop = u->worker->loop;

	if (u->state == UPSTREAM_POOLED || u->state == UPSTREAM_RETIRED ||
	    (u->state == UPSTREAM_IN_USE && u->wants_input))
		ev_io_start(loop, &u->rd);
	else
		ev_io_stop(loop, &u->rd);
	if (u->state != UPSTREAM_CONNECTING && buf_len(&u->out) > 0)
		ev_io_start(loop, &u->wr);
	else
		ev_io_stop(loop, &u->wr);
}

/* How long it may go on without an owner. */
static uint64_t rest_us(const struct upstream *u)
{
	return u->state == UPSTREAM_POOLED    ? u->worker->conf.upstream_idle_timeout_us
	       : u->state == UPSTREAM_RETIRED ? RETIRED_US
	                                      : 0;
}

static void upstream_set_state(struct upstream *u, enum upstream_state state)
{
	u->state = state;
	u->wants_input = true;
	deadline_set(u->worker->loop, &u->idle, rest_us(u));
	upstream_watch(u);
}

void upstream_want_input(struct upstream *u, bool wants)
{
	if (u->wants_input == wants)
		return;
	u->wants_input = wants;
	upstream_watch(u);
}

/* ---- the end ------------------------------------------------------------------------------- */

static void pool_remove(struct upstream *u)
{
	TAILQ_REMOVE(&u->pool->idle, u, link);
	u->pool->n--;
}

static void upstream_free(struct upstream *u)
{
	loop_turn_leave(&u->worker->process->turn, &u->place);
	ev_io_stop(u->worker->loop, &u->rd);
	ev_io_stop(u->worker->loop, &u->wr);
	deadline_stop(u->worker->loop, &u->idle);
	dial_stop(&u->dial);
	buf_fini(&u->in);
	buf_fini(&u->out);
	free(u);
}

void upstream_close(struct upstream *u)
{
	if (u->state != UPSTREAM_CONNECTING)
		close(u->rd.fd);
	upstream_free(u);
}

int upstream_detach(struct upstream *u)
{
	int fd = u->rd.fd;

	upstream_free(u);
	return fd;
}

/* Nobody needs it any more. */
static void on_idle(void *arg)
{
	struct upstream *u = arg;

	if (u->state == UPSTREAM_RETIRED)
		LIST_REMOVE(u, retired);
	else
		pool_remove(u);
	upstream_close(u);
}

/* Whatever it says is for nobody; a late 101 must not be waited for. */
static void retired_read(struct upstream *u)
{
	char *scratch = u->worker->scratch;
	ssize_t n = upstream_read(u, scratch, SCRATCH_BYTES);

	if (n == -EAGAIN)
		return;
	if (n <= 0 || (n >= 12 && memcmp(scratch, "HTTP/1.1 101", 12) == 0))
		on_idle(u);
}

static void on_readable(struct ev_loop *loop, struct ev_io *w, int revents)
{
	struct upstream *u = w->data;

	(void)loop, (void)revents;
	if (loop_turn_put_off(&u->worker->process->turn, &u->place, w))
		return;
	if (u->state == UPSTREAM_IN_USE)
		u->owner->readable(u->arg);
	else if (u->state == UPSTREAM_RETIRED)
		retired_read(u);
	else
		on_idle(u); /* closed by the t3 server, or it speaks unasked */
}

/* Whoever is there may be about to start. */
static void doubt(struct pool *pool, int error)
{
	if (error != -EKEYREJECTED && error != -ENOKEY)
		pool->doubted = true;
}

static void on_connected(void *arg)
{
	struct upstream *u = arg;

	u->owner->connected(u->arg);
}

/* It belongs to whom it should: what was queued meanwhile goes out. */
static void on_dialled(void *arg, int error)
{
	struct upstream *u = arg;

	if (error == 0) {
		int fd = dial_take(&u->dial);

		ev_io_set(&u->rd, fd, EV_READ);
		ev_io_set(&u->wr, fd, EV_WRITE);
		upstream_set_state(u, UPSTREAM_IN_USE);
		error = stream_flush(fd, &u->out);
	}
	if (error < 0) {
		doubt(u->pool, error);
		u->owner->failed(u->arg, error);
		return;
	}
	upstream_watch(u);
	if (buf_len(&u->out) == 0)
		u->owner->drained(u->arg);
}

static void on_writable(struct ev_loop *loop, struct ev_io *w, int revents)
{
	struct upstream *u = w->data;

	(void)loop, (void)revents;
	if (stream_flush(w->fd, &u->out) < 0) /* it may have responded early and closed: what can be read decides */
		buf_fini(&u->out);
	if (buf_len(&u->out) > 0)
		return;
	upstream_watch(u);
	u->owner->drained(u->arg);
}

bool upstream_leads_to(int fd, const struct user *user)
{
	struct sockaddr_storage peer = {0};
	socklen_t len = sizeof peer;

	return getpeername(fd, (struct sockaddr *)&peer, &len) < 0 || user_target_is(user, &peer);
}

static struct upstream *upstream_new(struct worker *worker, struct pool *pool)
{
	struct upstream *u = calloc(1, sizeof *u);

	if (!u)
		return NULL;
	u->worker = worker;
	u->pool = pool;
	ev_io_init(&u->rd, on_readable, -1, EV_READ);
	ev_io_init(&u->wr, on_writable, -1, EV_WRITE);
	u->rd.data = u->wr.data = u;
	deadline_init(&u->idle, on_idle, u);
	upstream_set_state(u, UPSTREAM_CONNECTING);
	return u;
}

static struct upstream *pooled_get(struct worker *worker, struct pool *pool)
{
	struct upstream *u = TAILQ_FIRST(&pool->idle);

	if (!u)
		return NULL;
	pool_remove(u);
	u->reused = true;
	upstream_set_state(u, UPSTREAM_IN_USE);
	series_add(worker->metrics.upstream_reused, 1);
	return u;
}

/* 0 or -errno. */
static int dial(struct upstream *u, const struct user *user)
{
	static const struct dial_callbacks callbacks = {.connected = on_connected, .done = on_dialled};
	struct upstream_dialer *dialer = u->worker->dialer;
	struct dial_target target;
	int r = upstream_dialer_target(dialer, user, &target);

	return r == 0 ? dial_start(&u->dial, &dialer->dialer, &target, 0, &callbacks, u) : r;
}

static struct upstream *fresh_get(struct worker *worker, struct pool *pool, const struct user *user)
{
	struct upstream *u = pool ? upstream_new(worker, pool) : NULL;
	int r = u ? dial(u, user) : -ENOMEM;

	series_add(r == 0 ? worker->metrics.upstream_connects : worker->metrics.upstream_failures, 1);
	if (r == 0)
		return u;
	if (u)
		upstream_close(u);
	if (pool)
		doubt(pool, r);
	errno = -r;
	return NULL;
}

struct upstream *upstream_get(struct upstreams *all, const struct user *user, bool reuse,
                              const struct upstream_owner *owner, void *arg)
{
	struct pool *pool = pool_find(all, user);
	struct upstream *u = reuse && pool ? pooled_get(all->worker, pool) : NULL;

	if (!u)
		u = fresh_get(all->worker, pool, user);
	if (!u)
		return NULL;
	u->waiting = SIZE_MAX;
	u->sent = 0;
	u->owner = owner;
	u->arg = arg;
	return u;
}

struct upstream *upstream_adopt(struct upstreams *all, int fd, const struct upstream_owner *owner, void *arg)
{
	struct upstream *u = upstream_new(all->worker, NULL);

	if (!u)
		return NULL;
	ev_io_set(&u->rd, fd, EV_READ);
	ev_io_set(&u->wr, fd, EV_WRITE);
	u->waiting = SIZE_MAX;
	u->owner = owner;
	u->arg = arg;
	upstream_set_state(u, UPSTREAM_IN_USE);
	return u;
}

ssize_t upstream_read(struct upstream *u, void *bytes, size_t size)
{
	ssize_t n = recv(u->rd.fd, bytes, size, MSG_DONTWAIT);

	if (n >= 0)
		return n;
	return errno == EINTR ? -EAGAIN : -errno;
}

int upstream_send(struct upstream *u, const void *bytes, size_t n)
{
	int r;

	if (u->state == UPSTREAM_CONNECTING)
		r = buf_add(&u->out, bytes, n) ? 0 : -ENOMEM;
	else
		r = stream_send(u->wr.fd, &u->out, bytes, n);
	if (r < 0)
		return r;
	u->sent += n;
	if (u->state != UPSTREAM_CONNECTING && buf_len(&u->out) > 0)
		upstream_watch(u);
	return 0;
}

size_t upstream_pending(const struct upstream *u)
{
	return buf_len(&u->out);
}

/* Of what was sent: not acknowledged yet. */
static size_t unacknowledged(const struct upstream *u)
{
	int in_kernel = 0;

	if (u->state == UPSTREAM_CONNECTING || ioctl(u->wr.fd, SIOCOUTQ, &in_kernel) < 0)
		in_kernel = 0;
	return buf_len(&u->out) + (size_t)in_kernel;
}

bool upstream_is_taking(struct upstream *u)
{
	size_t before = u->waiting;

	u->waiting = unacknowledged(u);
	return u->waiting > 0 && u->waiting < before;
}

static bool is_connected(int fd)
{
	struct sockaddr_storage peer;
	socklen_t len = sizeof peer;

	return getpeername(fd, (struct sockaddr *)&peer, &len) == 0;
}

/* Of TCP a FIN acknowledges what came before it, and what comes behind the end of a closed socket resets it: on this
 * machine at once.  Whoever only shut it down may still read.  A reset alone says nothing.
 * A Unix socket acknowledges nothing.  It is reset if it is closed with something unread, which is the end of the
 * head. */
bool upstream_is_unread(const struct upstream *u, int error)
{
	if (u->sent == 0)
		return true;
	if (u->dial.at_path)
		return error == -ECONNRESET;
	return error == -EPIPE && unacknowledged(u) >= u->sent && !is_connected(u->rd.fd);
}

/* As socket_owner_listener, of a Unix socket: it is made anew when another one listens there. */
static uint64_t path_listener(const char *path)
{
	struct stat st;
	uint64_t number;

	if (path[0] == '\0' || stat(path, &st) < 0)
		return 0;
	number = hash_bytes(HASH_START, &st.st_dev, sizeof st.st_dev);
	number = hash_bytes(number, &st.st_ino, sizeof st.st_ino);
	return hash_bytes(number, &st.st_ctim, sizeof st.st_ctim);
}

/* Which socket listens there now; 0: elsewhere, or not known. */
static uint64_t listener_of(struct upstreams *all, const struct user *user)
{
	struct upstream_dialer *dialer = all->worker->dialer;
	struct dial_target target;
	uint64_t at_path;

	if (upstream_dialer_target(dialer, user, &target) < 0)
		return 0;
	at_path = path_listener(target.path);
	if (at_path != 0 || target.len == 0)
		return at_path;
	return socket_owner_listener(&dialer->dialer.owners, (const struct sockaddr *)&target.address);
}

/* As long as connections to it are open it is the one that it was. */
bool upstream_is_doubted(struct upstreams *all, const struct user *user)
{
	struct pool *pool = pool_find(all, user);
	uint64_t listener;

	if (!pool || pool->doubted || pool->n > 0)
		return pool && pool->doubted;
	listener = listener_of(all, user);
	pool->doubted = listener != 0 && pool->listener != 0 && pool->listener != listener;
	if (listener != 0)
		pool->listener = listener;
	return pool->doubted;
}

void upstream_trust(struct upstreams *all, const struct user *user)
{
	struct pool *pool = pool_find(all, user);

	if (!pool)
		return;
	pool->doubted = false;
	pool->listener = listener_of(all, user);
}

void upstream_responds(struct upstream *u)
{
	u->pool->failing_since_us = 0;
}

uint64_t upstream_outage(struct upstreams *all, const struct user *user)
{
	struct pool *pool = pool_find(all, user);
	uint64_t now_us = clock_wall_us();

	if (pool && pool->failing_since_us == 0)
		pool->failing_since_us = now_us;
	return pool ? pool->failing_since_us : now_us;
}

void upstream_put(struct upstream *u)
{
	struct worker *worker = u->worker;

	if (u->pool->n >= worker->conf.upstream_pool || worker->draining || buf_len(&u->in) > 0 ||
	    buf_len(&u->out) > 0) {
		upstream_close(u);
		return;
	}
	u->owner = NULL;
	TAILQ_INSERT_HEAD(&u->pool->idle, u, link);
	u->pool->n++;
	upstream_set_state(u, UPSTREAM_POOLED);
}

void upstream_retire(struct upstream *u)
{
	if (u->state != UPSTREAM_IN_USE) {
		upstream_close(u);
		return;
	}
	u->owner = NULL;
	buf_fini(&u->out);
	LIST_INSERT_HEAD(&u->worker->upstreams->retired, u, retired);
	upstream_set_state(u, UPSTREAM_RETIRED);
}

struct upstreams *upstreams_new(struct worker *worker)
{
	struct upstreams *all = calloc(1, sizeof *all);

	if (!all)
		return NULL;
	LIST_INIT(&all->pools);
	LIST_INIT(&all->retired);
	all->worker = worker;
	return all;
}

void upstreams_free(struct upstreams *all)
{
	struct pool *p;
	struct upstream *u;

	if (!all)
		return;
	while ((u = LIST_FIRST(&all->retired)))
		on_idle(u);
	while ((p = LIST_FIRST(&all->pools))) {
		while ((u = TAILQ_FIRST(&p->idle)))
			on_idle(u);
		LIST_REMOVE(p, link);
		free(p);
	}
	free(all);
}
