/* SPDX-License-Identifier: MIT */
/* Writing with a queue; see stream.h. */
#include "net/stream.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

/* Bytes taken, 0 if none can be now, or -errno. */
static ssize_t write_some(int fd, const void *bytes, size_t n)
{
	ssize_t sent = send(fd, bytes, n, MSG_NOSIGNAL | MSG_DONTWAIT);

	if (sent >= 0)
		return sent;
	return errno == EAGAIN || errno == EINTR ? 0 : -errno;
}

int stream_send(int fd, struct buf *queue, const void *bytes, size_t n)
{
	ssize_t sent = 0;

	if (buf_len(queue) == 0)
		sent = write_some(fd, bytes, n);
	if (sent < 0)
		return (int)sent;
	return buf_add(queue, (const char *)bytes + sent, n - (size_t)sent) ? 0 : -ENOMEM;
}

void stream_watch_peer(int fd)
{
	int on = 1, idle = 15, pause = 5, probes = 3;

	setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
	setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle, sizeof idle);
	setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &pause, sizeof pause);
	setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &probes, sizeof probes);
}

void stream_break(int fd)
{
	struct linger reset = {.l_onoff = 1, .l_linger = 0};

	setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
}

void stream_unbreak(int fd)
{
	struct linger usual = {0};

	setsockopt(fd, SOL_SOCKET, SO_LINGER, &usual, sizeof usual);
}

int stream_flush(int fd, struct buf *queue)
{
	ssize_t sent = buf_len(queue) > 0 ? write_some(fd, buf_at(queue), buf_len(queue)) : 0;

	if (sent < 0)
		return (int)sent;
	if (sent > 0)
		buf_drop(queue, (size_t)sent);
	return 0;
}
