/* SPDX-License-Identifier: MIT */
/* Channels: datagrams between supervisor and rooms; see chan.h. */
#include "base/chan.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#define QUEUE_MAX_BYTES (4u << 20)
#define BURST 64 /* messages read before other watchers get their turn */

struct queued {
	STAILQ_ENTRY(queued) link;
	int fd; /* sent along, -1: none */
	size_t len;
	char bytes[];
};

struct chan {
	struct ev_loop *loop;
	struct ev_io in, out;
	chan_message_cb on_message;
	chan_closed_cb on_closed;
	void *arg;
	STAILQ_HEAD(, queued) queue;
	size_t queued_bytes;
	uint64_t dropped;
	bool *freed; /* of the reader on the stack, if there is one */
	int came;    /* the descriptor beside the message at hand, -1: none */
	_Alignas(struct msg_head) char buffer[sizeof(struct msg_head) + MSG_MAX];
};

int chan_pair(int fds[2])
{
	int size = 1 << 20;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds) < 0)
		return -errno;
	for (int i = 0; i < 2; i++)
		setsockopt(fds[i], SOL_SOCKET, SO_SNDBUF, &size, sizeof size); /* best effort */
	return 0;
}

/* ---- descriptors beside messages -------------------------------------------------------------- */

union rights {
	char bytes[CMSG_SPACE(sizeof(int))];
	struct cmsghdr align;
};

static void rights_attach(struct msghdr *m, union rights *r, int fd)
{
	struct cmsghdr *c;

	if (fd < 0)
		return;
	memset(r, 0, sizeof *r);
	m->msg_control = r->bytes;
	m->msg_controllen = sizeof r->bytes;
	c = CMSG_FIRSTHDR(m);
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof fd);
	memcpy(CMSG_DATA(c), &fd, sizeof fd);
}

static int rights_detach(struct msghdr *m)
{
	struct cmsghdr *c = CMSG_FIRSTHDR(m);
	int fd = -1;

	if (c && c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS && c->cmsg_len == CMSG_LEN(sizeof fd))
		memcpy(&fd, CMSG_DATA(c), sizeof fd);
	return fd;
}

int chan_take_fd(struct chan *c)
{
	int fd = c->came;

	c->came = -1;
	return fd;
}

/* ---- receiving ----------------------------------------------------------------------------------- */

static ssize_t message_recv(struct chan *c)
{
	union rights rights;
	struct iovec part = {c->buffer, sizeof c->buffer};
	struct msghdr m = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = rights.bytes,
	                   .msg_controllen = sizeof rights.bytes};
	ssize_t n = recvmsg(c->in.fd, &m, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);

	c->came = n >= 0 ? rights_detach(&m) : -1;
	return n;
}

static void closed(struct chan *c)
{
	ev_io_stop(c->loop, &c->in);
	ev_io_stop(c->loop, &c->out);
	c->on_closed(c->arg);
}

static bool message_is_whole(const struct chan *c, size_t n)
{
	const struct msg_head *head = (const struct msg_head *)(const void *)c->buffer;

	return n >= sizeof *head && head->version == MSG_VERSION && head->len == n - sizeof *head;
}

static void on_readable(struct ev_loop *loop, struct ev_io *w, int revents)
{
	struct chan *c = w->data;
	bool freed = false;

	(void)loop, (void)revents;
	c->freed = &freed;
	for (int i = 0; i < BURST && !freed; i++) {
		ssize_t n = message_recv(c);
		int left;

		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			break;
		if (n <= 0) {
			c->freed = NULL;
			closed(c);
			return;
		}
		if (message_is_whole(c, (size_t)n))
			c->on_message(c->arg, (const struct msg_head *)(const void *)c->buffer,
			              c->buffer + sizeof(struct msg_head));
		else
			c->dropped++;
		left = freed ? -1 : chan_take_fd(c);
		if (left >= 0)
			close(left);
	}
	if (!freed)
		c->freed = NULL;
}

/* ---- sending --------------------------------------------------------------------------------------- */

static void queued_free(struct queued *q)
{
	if (q->fd >= 0)
		close(q->fd);
	free(q);
}

/* Sends what is queued; false: the socket takes no more. */
static bool queue_send(struct chan *c)
{
	struct queued *q;

	while ((q = STAILQ_FIRST(&c->queue))) {
		union rights rights;
		struct iovec part = {q->bytes, q->len};
		struct msghdr m = {.msg_iov = &part, .msg_iovlen = 1};

		rights_attach(&m, &rights, q->fd);
		if (sendmsg(c->in.fd, &m, MSG_DONTWAIT | MSG_NOSIGNAL) < 0 &&
		    (errno == EAGAIN || errno == EINTR || errno == ENOBUFS))
			return false;
		STAILQ_REMOVE_HEAD(&c->queue, link); /* sent, or the other end is gone: reading says so */
		c->queued_bytes -= q->len;
		queued_free(q);
	}
	return true;
}

static void on_writable(struct ev_loop *loop, struct ev_io *w, int revents)
{
	struct chan *c = w->data;

	(void)revents;
	if (queue_send(c))
		ev_io_stop(loop, w);
}

struct chan *chan_new(struct ev_loop *loop, int fd, chan_message_cb on_message, chan_closed_cb on_closed, void *arg)
{
	struct chan *c = calloc(1, sizeof *c);

	if (!c)
		return NULL;
	c->loop = loop;
	c->on_message = on_message;
	c->on_closed = on_closed;
	c->arg = arg;
	c->came = -1;
	STAILQ_INIT(&c->queue);
	ev_io_init(&c->in, on_readable, fd, EV_READ);
	ev_io_init(&c->out, on_writable, fd, EV_WRITE);
	c->in.data = c->out.data = c;
	ev_io_start(loop, &c->in);
	return c;
}

void chan_free(struct chan *c)
{
	struct queued *q;

	if (!c)
		return;
	if (c->freed)
		*c->freed = true;
	ev_io_stop(c->loop, &c->in);
	ev_io_stop(c->loop, &c->out);
	while ((q = STAILQ_FIRST(&c->queue))) {
		STAILQ_REMOVE_HEAD(&c->queue, link);
		queued_free(q);
	}
	close(c->in.fd);
	free(c);
}

int chan_fd(const struct chan *c)
{
	return c->in.fd;
}

static int queue_add(struct chan *c, const struct msg_head *head, const void *payload, int fd)
{
	size_t len = sizeof *head + head->len;
	struct queued *q = c->queued_bytes + len <= QUEUE_MAX_BYTES ? malloc(sizeof *q + len) : NULL;
	int own = q && fd >= 0 ? fcntl(fd, F_DUPFD_CLOEXEC, 0) : -1;

	if (!q || (fd >= 0 && own < 0)) {
		free(q);
		c->dropped++;
		return -ENOBUFS;
	}
	q->fd = own;
	q->len = len;
	memcpy(q->bytes, head, sizeof *head);
	if (head->len > 0)
		memcpy(q->bytes + sizeof *head, payload, head->len);
	STAILQ_INSERT_TAIL(&c->queue, q, link);
	c->queued_bytes += len;
	ev_io_start(c->loop, &c->out);
	return 0;
}

static int message_send(struct chan *c, const struct msg_head *head, const void *payload, int fd)
{
	struct iovec parts[2] = {{(void *)(uintptr_t)head, sizeof *head}, {(void *)(uintptr_t)payload, head->len}};
	struct msghdr m = {.msg_iov = parts, .msg_iovlen = head->len > 0 ? 2 : 1};
	union rights rights;

	if (head->len > MSG_MAX)
		return -EMSGSIZE;
	if (!STAILQ_EMPTY(&c->queue))
		return queue_add(c, head, payload, fd);
	rights_attach(&m, &rights, fd);
	if (sendmsg(c->in.fd, &m, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0)
		return 0;
	if (errno == EAGAIN || errno == EINTR || errno == ENOBUFS)
		return queue_add(c, head, payload, fd);
	return -errno; /* the other end is gone: reading says so */
}

int chan_relay(struct chan *c, const struct msg_head *head, const void *payload)
{
	return message_send(c, head, payload, -1);
}

int chan_send_fd(struct chan *c, enum msg_type type, uint32_t to, uint64_t id, const void *payload, size_t len, int fd)
{
	struct msg_head head = {.version = MSG_VERSION, .type = (uint16_t)type, .to = to, .id = id};

	if (len > MSG_MAX)
		return -EMSGSIZE;
	head.len = (uint32_t)len;
	return message_send(c, &head, payload, fd);
}

int chan_send(struct chan *c, enum msg_type type, uint32_t to, uint64_t id, const void *payload, size_t len)
{
	return chan_send_fd(c, type, to, id, payload, len, -1);
}

uint64_t chan_dropped(const struct chan *c)
{
	return c->dropped;
}

void chan_flush(struct chan *c, int limit_ms)
{
	struct pollfd p = {.fd = c->in.fd, .events = POLLOUT};

	while (!queue_send(c) && poll(&p, 1, limit_ms) > 0)
		;
}
