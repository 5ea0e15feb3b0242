/* SPDX-License-Identifier: MIT */
/* Connecting, and asking who accepted; see dial.h. */
#include "net/dial.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

#include "net/cidr.h"
#include "net/dir_owner.h"

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
	if (error != 0 && d->fd >= 0) {
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

static void again_later(struct dial *d)
{
	ev_timer_set(&d->again, (double)d->pause_us / 1e6, 0.);
	ev_timer_start(d->dialer->loop, &d->again);
	d->pause_us = d->pause_us * 2 < PAUSE_MAX_US ? d->pause_us * 2 : PAUSE_MAX_US;
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
	again_later(d);
}

static void owner_compare(struct dial *d, uid_t found)
{
	if (found == d->target.owner)
		dial_end(d, 0);
	else
		impostor_end(d, found);
}

static void peer_check(struct dial *d)
{
	struct ucred peer;
	socklen_t len = sizeof peer;

	if (getsockopt(d->fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) < 0)
		dial_end(d, -errno);
	else
		owner_compare(d, peer.uid);
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
		owner_compare(d, uid);
	}
}

static void path_try(struct dial *d);

static void on_again(struct ev_loop *loop, struct ev_timer *w, int revents)
{
	struct dial *d = w->data;

	(void)loop, (void)revents;
	if (d->at_path)
		path_try(d);
	else
		check(d);
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
	if (d->at_path)
		peer_check(d);
	else if (d->target.as_it_is)
		dial_end(d, 0);
	else
		check(d);
}

/* A socket that connects to the address, or -errno. */
static int address_connect(const struct dial_target *target)
{
	int on = 1, r, fd;

	if (!target->as_it_is && !target->has_owner)
		return -ENOKEY;
	fd = socket(target->address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
	if (connect(fd, (const struct sockaddr *)&target->address, target->len) == 0 || errno == EINPROGRESS)
		return fd;
	r = -errno;
	close(fd);
	return r;
}

/* One that is connected to the path, or -errno; -EAGAIN: too many wait there. */
static int path_connect(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int r, fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -errno;
	memcpy(address.sun_path, path, strnlen(path, sizeof address.sun_path - 1));
	if (connect(fd, (const struct sockaddr *)&address, sizeof address) == 0)
		return fd;
	r = -errno;
	close(fd);
	return r;
}

static void fd_watch(struct dial *d, int fd)
{
	d->fd = fd;
	ev_io_init(&d->io, on_writable, fd, EV_WRITE);
	d->io.data = d;
	ev_io_start(d->dialer->loop, &d->io);
}

/* 0: it is connected, or tried again; else why neither at the path nor at the address. */
static int connect_begin(struct dial *d)
{
	int fd = d->target.path[0] != '\0' ? path_connect(d->target.path) : -ENOENT, r = fd;

	d->at_path = fd >= 0 || fd == -EAGAIN;
	if (fd == -EAGAIN) {
		again_later(d);
		return 0;
	}
	if (fd < 0 && d->target.len > 0)
		fd = address_connect(&d->target);
	if (fd < 0)
		return d->target.path[0] != '\0' && fd == -ENOKEY ? r : fd;
	fd_watch(d, fd);
	return 0;
}

static void path_try(struct dial *d)
{
	int r = connect_begin(d);

	if (r < 0)
		dial_end(d, r);
}

/* Of a path without a known owner it is that of its directory. */
static int owner_settle(struct dial_target *target)
{
	if (target->path[0] == '\0' || target->has_owner)
		return 0;
	target->has_owner = dir_owner(target->path, &target->owner);
	if (target->has_owner || target->as_it_is)
		return 0;
	return access(target->path, F_OK) == 0 ? -ENOKEY : -errno;
}

int dial_start(struct dial *d, struct dialer *dialer, const struct dial_target *target, uint64_t limit_us,
               const struct dial_callbacks *cb, void *arg)
{
	int r;

	*d = (struct dial){
	    .dialer = dialer, .target = *target, .pause_us = PAUSE_FIRST_US, .fd = -1, .cb = cb, .arg = arg};
	snprintf(d->user, sizeof d->user, "%s", target->user);
	d->target.user = NULL;
	ev_init(&d->io, on_writable);
	ev_timer_init(&d->again, on_again, 0., 0.);
	ev_timer_init(&d->limit, on_limit, (double)limit_us / 1e6, 0.);
	d->again.data = d->limit.data = d;
	r = owner_settle(&d->target);
	if (r == 0)
		r = connect_begin(d);
	if (r == 0 && limit_us > 0)
		ev_timer_start(dialer->loop, &d->limit);
	return r;
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

	if (target->path[0] != '\0') {
		snprintf(out, size, "%s", target->path);
		return;
	}
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
