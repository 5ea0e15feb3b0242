/* SPDX-License-Identifier: MIT */
/* Connecting, and asking who accepted; see dial.h. */
#include "net/dial.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "net/cidr.h"

#define PAUSE_FIRST_US UINT64_C(1000)
#define PAUSE_MAX_US   UINT64_C(50000)

static void watchers_stop(struct dial *d)
{
	struct ev_loop *loop = d->dialer->loop;

	ev_io_stop(loop, &d->io);
	ev_timer_stop(loop, &d->again);
	ev_timer_stop(loop, &d->limit);
}

/* The one end; the dial may be gone when it returns. */
static void dial_end(struct dial *d, int error)
{
	watchers_stop(d);
	if (error != 0) {
		close(d->fd);
		d->fd = -1;
	}
	d->cb->done(d->arg, error);
}

static void impostor_end(struct dial *d, uid_t found)
{
	struct dial_target target = d->target;

	target.user = d->user;
	if (d->dialer->on_impostor)
		d->dialer->on_impostor(d->dialer->arg, &target, found);
	dial_end(d, -EKEYREJECTED);
}

/* Nobody has accepted it yet, or it is over. */
static void unaccepted(struct dial *d)
{
	char byte;
	ssize_t n = recv(d->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT);

	if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR)) {
		dial_end(d, n == 0 ? -ECONNRESET : -errno);
		return;
	}
	ev_timer_set(&d->again, (double)d->pause_us / 1e6, 0.);
	ev_timer_start(d->dialer->loop, &d->again);
	d->pause_us = d->pause_us * 2 < PAUSE_MAX_US ? d->pause_us * 2 : PAUSE_MAX_US;
}

static void check(struct dial *d)
{
	uid_t uid = 0;

	switch (socket_owner_find(&d->dialer->owners, d->fd, (const struct sockaddr *)&d->target.address, &uid)) {
	case SOCKET_OWNER_ELSEWHERE:
		dial_end(d, -ENOKEY);
		break;
	case SOCKET_OWNER_UNKNOWN:
		unaccepted(d);
		break;
	case SOCKET_OWNER_FOUND:
		if (uid == d->target.owner)
			dial_end(d, 0);
		else
			impostor_end(d, uid);
	}
}

static void on_again(struct ev_loop *loop, struct ev_timer *w, int revents)
{
	(void)loop, (void)revents;
	check(w->data);
}

static void on_limit(struct ev_loop *loop, struct ev_timer *w, int revents)
{
	(void)loop, (void)revents;
	dial_end(w->data, -ETIMEDOUT);
}

static void on_writable(struct ev_loop *loop, struct ev_io *w, int revents)
{
	struct dial *d = w->data;
	int error = 0;
	socklen_t len = sizeof error;

	(void)revents;
	getsockopt(d->fd, SOL_SOCKET, SO_ERROR, &error, &len);
	if (error != 0) {
		dial_end(d, -error);
		return;
	}
	ev_io_stop(loop, w);
	if (d->cb->connected)
		d->cb->connected(d->arg);
	if (d->target.as_it_is)
		dial_end(d, 0);
	else
		check(d);
}

/* A socket that connects, or -errno. */
static int socket_start(const struct dial_target *target)
{
	int on = 1, r, fd = socket(target->address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -errno;
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
	if (connect(fd, (const struct sockaddr *)&target->address, target->len) == 0 || errno == EINPROGRESS)
		return fd;
	r = -errno;
	close(fd);
	return r;
}

int dial_start(struct dial *d, struct dialer *dialer, const struct dial_target *target, uint64_t limit_us,
               const struct dial_callbacks *cb, void *arg)
{
	int fd = target->as_it_is || target->has_owner ? socket_start(target) : -ENOKEY;

	if (fd < 0)
		return fd;
	*d = (struct dial){
	    .dialer = dialer, .target = *target, .pause_us = PAUSE_FIRST_US, .fd = fd, .cb = cb, .arg = arg};
	snprintf(d->user, sizeof d->user, "%s", target->user);
	d->target.user = NULL;
	ev_io_init(&d->io, on_writable, fd, EV_WRITE);
	ev_timer_init(&d->again, on_again, 0., 0.);
	ev_timer_init(&d->limit, on_limit, (double)limit_us / 1e6, 0.);
	d->io.data = d->again.data = d->limit.data = d;
	ev_io_start(dialer->loop, &d->io);
	if (limit_us > 0)
		ev_timer_start(dialer->loop, &d->limit);
	return 0;
}

int dial_take(struct dial *d)
{
	int fd = d->fd;

	d->fd = -1;
	return fd;
}

void dial_stop(struct dial *d)
{
	if (!d->dialer)
		return;
	watchers_stop(d);
	if (d->fd >= 0)
		close(d->fd);
	d->fd = -1;
}

static unsigned port_of(const struct sockaddr_storage *a)
{
	return ntohs(a->ss_family == AF_INET ? ((const struct sockaddr_in *)(const void *)a)->sin_port
	                                     : ((const struct sockaddr_in6 *)(const void *)a)->sin6_port);
}

void dial_target_name(const struct dial_target *target, char *out, size_t size)
{
	char host[64];

	peer_name((const struct sockaddr *)&target->address, host, sizeof host);
	snprintf(out, size, "%s port %u", host, port_of(&target->address));
}

const char *dial_error_text(int error)
{
	switch (error) {
	case -EKEYREJECTED:
		return "a process of another account answers there; nothing was sent to it";
	case -ENOKEY:
		return "nobody can tell whose process should answer there: the user table names no account, or the "
		       "address "
		       "is not one of this machine and not in trusted_upstreams";
	case -ETIMEDOUT:
		return "the connection was not accepted in time";
	default:
		return strerror(-error);
	}
}
