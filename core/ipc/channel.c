/* SPDX-License-Identifier: MIT */
/* Datagrams between the supervisor and the processes; see channel.h. */
#include "ipc/channel.h"

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

#include "sys/clock.h"
#include "sys/fdpass.h"

#define QUEUE_MAX_BYTES  (4u << 20)
#define EVENTS_MAX_BYTES (64u << 20) /* what 40,000 tunnels have to say at once */
#define BURST            64          /* messages read before other watchers get their turn, */
#define BURST_US         5000        /* unless they take so long */
#define REST_MAX         (1 << 16)   /* more than fit into the socket: somebody else has the other end, and writes */

struct queued {
	STAILQ_ENTRY(queued) link;
	int fds[CHANNEL_FDS]; /* sent along */
	size_t n_fds;
	size_t len;
	char bytes[];
};

struct queue {
	STAILQ_HEAD(, queued) list;
	size_t bytes, max;
};

struct channel {
	struct ev_loop *loop;
	struct ev_io in, out;
	channel_message_cb on_message;
	channel_closed_cb on_closed;
	void *arg;
	struct queue queue, events; /* events leave last, */
	bool held;                  /* and not while they are held */
	bool broken;                /* the other end is gone: what falls was not read */
	size_t mark_bytes;          /* of the queue: on_fallen when it falls below */
	channel_fallen_cb on_fallen;
	void *on_fallen_arg;
	uint64_t dropped;
	bool *freed;           /* of the reader on the stack, if there is one */
	int came[CHANNEL_FDS]; /* the descriptors beside the message that is being read */
	size_t n_came;
	_Alignas(struct msg_head) char buffer[sizeof(struct msg_head) + MSG_MAX];
};

int channel_pair(int fds[2])
{
	int size = 1 << 20;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds) < 0)
		return -errno;
	for (int i = 0; i < 2; i++)
		setsockopt(fds[i], SOL_SOCKET, SO_SNDBUF, &size, sizeof size); /* best effort */
	return 0;
}

static void fds_close(const int *fds, size_t n)
{
	for (size_t i = 0; i < n; i++)
		close(fds[i]);
}

size_t channel_take_fds(struct channel *c, int fds[CHANNEL_FDS])
{
	size_t n = c->n_came;

	memcpy(fds, c->came, n * sizeof(int));
	c->n_came = 0;
	return n;
}

/* ---- receiving ----------------------------------------------------------------------------------- */

static ssize_t message_recv(struct channel *c)
{
	union fdpass fdpass;
	struct iovec part = {c->buffer, sizeof c->buffer};
	struct msghdr m = {.msg_iov = &part, .msg_iovlen = 1};
	ssize_t n;

	fdpass_expect(&m, &fdpass);
	n = recvmsg(c->in.fd, &m, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	c->n_came = n > 0 ? fdpass_detach(&m, c->came) : 0;
	return n;
}

static void closed(struct channel *c)
{
	ev_io_stop(c->loop, &c->in);
	ev_io_stop(c->loop, &c->out);
	c->on_closed(c->arg);
}

static bool message_is_whole(const struct channel *c, size_t n)
{
	const struct msg_head *head = (const struct msg_head *)(const void *)c->buffer;

	return n >= sizeof *head && head->version == MSG_VERSION && head->len == n - sizeof *head;
}

enum reading { READING_MORE, READING_EMPTY, READING_CLOSED, READING_FREED };

/* One message. */
static enum reading message_read(struct channel *c)
{
	bool freed = false;
	ssize_t n = message_recv(c);
	int left[CHANNEL_FDS];

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return READING_EMPTY;
	if (n <= 0)
		return READING_CLOSED;
	c->freed = &freed;
	if (message_is_whole(c, (size_t)n))
		c->on_message(c->arg, (const struct msg_head *)(const void *)c->buffer,
		              c->buffer + sizeof(struct msg_head));
	else
		c->dropped++;
	if (freed)
		return READING_FREED;
	c->freed = NULL;
	for (size_t i = 0, came = channel_take_fds(c, left); i < came; i++)
		fdpass_close(left[i]);
	return READING_MORE;
}

static void on_readable(struct ev_loop *loop, struct ev_io *w, int revents)
{
	struct channel *c = w->data;
	uint64_t until_us = clock_mono_us() + BURST_US;
	enum reading r = READING_MORE;

	(void)loop, (void)revents;
	for (int i = 0; i < BURST && r == READING_MORE && clock_mono_us() < until_us; i++)
		r = message_read(c);
	if (r == READING_CLOSED)
		closed(c);
}

void channel_read_rest(struct channel *c)
{
	for (int i = 0; i < REST_MAX && message_read(c) == READING_MORE; i++)
		;
}

/* ---- sending --------------------------------------------------------------------------------------- */

static void queued_free(struct queued *q)
{
	fds_close(q->fds, q->n_fds);
	free(q);
}

static bool is_full(int error)
{
	return error == EAGAIN || error == EINTR || error == ENOBUFS || error == ETOOMANYREFS;
}

/* Sends the first one; false: the socket takes no more. */
static bool first_send(struct channel *c, struct queue *from)
{
	struct queued *q = STAILQ_FIRST(&from->list);
	union fdpass fdpass;
	struct iovec part = {q->bytes, q->len};
	struct msghdr m = {.msg_iov = &part, .msg_iovlen = 1};

	fdpass_attach(&m, &fdpass, q->fds, q->n_fds);
	if (sendmsg(c->in.fd, &m, MSG_DONTWAIT | MSG_NOSIGNAL) < 0) {
		if (is_full(errno))
			return false;
		c->broken = true; /* reading says so */
	}
	STAILQ_REMOVE_HEAD(&from->list, link);
	from->bytes -= q->len;
	queued_free(q);
	return true;
}

/* NULL: nothing is to be sent. */
static struct queue *queue_next(struct channel *c)
{
	if (!STAILQ_EMPTY(&c->queue.list))
		return &c->queue;
	return c->held || STAILQ_EMPTY(&c->events.list) ? NULL : &c->events;
}

static void fallen_tell(struct channel *c, size_t before)
{
	if (c->on_fallen && !c->broken && before >= c->mark_bytes && c->queue.bytes < c->mark_bytes)
		c->on_fallen(c->on_fallen_arg);
}

/* Sends what is queued; false: the socket takes no more, or others are to get their turn. */
static bool queues_send(struct channel *c)
{
	uint64_t until_us = clock_mono_us() + BURST_US;
	size_t before = c->queue.bytes;
	struct queue *from;

	while ((from = queue_next(c)) && first_send(c, from) && clock_mono_us() < until_us)
		;
	fallen_tell(c, before);
	return !queue_next(c);
}

static void on_writable(struct ev_loop *loop, struct ev_io *w, int revents)
{
	struct channel *c = w->data;

	(void)revents;
	if (queues_send(c))
		ev_io_stop(loop, w);
}

static void queue_init(struct queue *q, size_t max)
{
	*q = (struct queue){.max = max};
	STAILQ_INIT(&q->list);
}

static void queue_fini(struct queue *from)
{
	struct queued *q;

	while ((q = STAILQ_FIRST(&from->list))) {
		STAILQ_REMOVE_HEAD(&from->list, link);
		queued_free(q);
	}
}

struct channel *channel_new(struct ev_loop *loop, int fd, channel_message_cb on_message, channel_closed_cb on_closed,
                            void *arg)
{
	struct channel *c = calloc(1, sizeof *c);

	if (!c)
		return NULL;
	c->loop = loop;
	c->on_message = on_message;
	c->on_closed = on_closed;
	c->arg = arg;
	queue_init(&c->queue, QUEUE_MAX_BYTES);
	queue_init(&c->events, EVENTS_MAX_BYTES);
	ev_io_init(&c->in, on_readable, fd, EV_READ);
	ev_io_init(&c->out, on_writable, fd, EV_WRITE);
	c->in.data = c->out.data = c;
	ev_io_start(loop, &c->in);
	return c;
}

void channel_free(struct channel *c)
{
	if (!c)
		return;
	if (c->freed)
		*c->freed = true;
	ev_io_stop(c->loop, &c->in);
	ev_io_stop(c->loop, &c->out);
	queue_fini(&c->queue);
	queue_fini(&c->events);
	close(c->in.fd);
	free(c);
}

int channel_fd(const struct channel *c)
{
	return c->in.fd;
}

/* Copies of the descriptors; false: not all could be made, none is left. */
static bool fds_keep(struct queued *q, const int *fds, size_t n)
{
	for (q->n_fds = 0; q->n_fds < n; q->n_fds++) {
		q->fds[q->n_fds] = fcntl(fds[q->n_fds], F_DUPFD_CLOEXEC, 0);
		if (q->fds[q->n_fds] < 0) {
			fds_close(q->fds, q->n_fds);
			return false;
		}
	}
	return true;
}

/* A message with its descriptors, as the caller has it. */
struct outgoing {
	const struct msg_head *head;
	const void *payload;
	const int *fds;
	size_t n_fds;
};

static int queue_add(struct channel *c, struct queue *to, const struct outgoing *m)
{
	size_t len = sizeof *m->head + m->head->len;
	struct queued *q = to->bytes + len <= to->max ? malloc(sizeof *q + len) : NULL;

	if (!q || !fds_keep(q, m->fds, m->n_fds)) {
		free(q);
		c->dropped++;
		return -ENOBUFS;
	}
	q->len = len;
	memcpy(q->bytes, m->head, sizeof *m->head);
	if (m->head->len > 0)
		memcpy(q->bytes + sizeof *m->head, m->payload, m->head->len);
	STAILQ_INSERT_TAIL(&to->list, q, link);
	to->bytes += len;
	if (queue_next(c))
		ev_io_start(c->loop, &c->out);
	return 0;
}

/* What waits already goes first: for an event everything does. */
static bool must_wait(const struct channel *c, const struct queue *in)
{
	return !STAILQ_EMPTY(&c->queue.list) || (in == &c->events && (c->held || !STAILQ_EMPTY(&in->list)));
}

static int message_send(struct channel *c, struct queue *in, const struct outgoing *out)
{
	const struct msg_head *head = out->head;
	struct iovec parts[2] = {{(void *)(uintptr_t)head, sizeof *head},
	                         {(void *)(uintptr_t)out->payload, head->len}};
	struct msghdr m = {.msg_iov = parts, .msg_iovlen = head->len > 0 ? 2 : 1};
	union fdpass fdpass;

	if (head->len > MSG_MAX)
		return -EMSGSIZE;
	if (must_wait(c, in))
		return queue_add(c, in, out);
	fdpass_attach(&m, &fdpass, out->fds, out->n_fds);
	if (sendmsg(c->in.fd, &m, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0)
		return 0;
	if (is_full(errno))
		return queue_add(c, in, out);
	return -errno; /* the other end is gone: reading says so */
}

int channel_relay(struct channel *c, const struct msg_head *head, const void *payload)
{
	return message_send(c, &c->queue, &(struct outgoing){.head = head, .payload = payload});
}

int channel_send_fds(struct channel *c, enum msg_type type, uint32_t to, uint64_t id, const void *payload, size_t len,
                     const int *fds, size_t n)
{
	struct msg_head head = {.version = MSG_VERSION, .type = (uint16_t)type, .to = to, .id = id};

	if (len > MSG_MAX)
		return -EMSGSIZE;
	head.len = (uint32_t)len;
	return message_send(c, &c->queue, &(struct outgoing){&head, payload, fds, n});
}

int channel_send(struct channel *c, enum msg_type type, uint32_t to, uint64_t id, const void *payload, size_t len)
{
	return channel_send_fds(c, type, to, id, payload, len, NULL, 0);
}

int channel_send_event(struct channel *c, const void *event, size_t len)
{
	const struct msg_head head = {
	    .version = MSG_VERSION, .type = MSG_EVENT, .to = PROCESS_MONITOR, .len = (uint32_t)len};

	return message_send(c, &c->events, &(struct outgoing){.head = &head, .payload = event});
}

void channel_hold_events(struct channel *c, bool held)
{
	c->held = held;
	if (queue_next(c))
		ev_io_start(c->loop, &c->out);
}

/* What of the text goes into a message. */
static size_t reply_len(const char *text)
{
	size_t len = strlen(text), max = MSG_MAX - sizeof(struct msg_reply);

	if (len <= max)
		return len;
	while (max > 0 && text[max] != '\n')
		max--;
	return max;
}

int channel_reply(struct channel *c, enum msg_type type, uint32_t to, uint64_t id, int error, const char *text)
{
	size_t len = reply_len(text);
	struct msg_reply *reply = malloc(sizeof *reply + len);
	int r;

	if (!reply)
		return -ENOBUFS;
	reply->error = error;
	memcpy(reply->text, text, len);
	r = channel_send(c, type, to, id, reply, sizeof *reply + len);
	free(reply);
	return r;
}

uint64_t channel_dropped(const struct channel *c)
{
	return c->dropped;
}

void channel_queue_max(struct channel *c, size_t bytes)
{
	c->queue.max = bytes;
}

size_t channel_queued_bytes(const struct channel *c)
{
	return c->queue.bytes;
}

void channel_on_fallen(struct channel *c, size_t below_bytes, channel_fallen_cb on_fallen, void *arg)
{
	c->mark_bytes = below_bytes;
	c->on_fallen = on_fallen;
	c->on_fallen_arg = arg;
}

void channel_flush(struct channel *c, int limit_ms)
{
	struct pollfd p = {.fd = c->in.fd, .events = POLLOUT};

	c->held = false;
	while (!queues_send(c) && poll(&p, 1, limit_ms) > 0)
		;
}
