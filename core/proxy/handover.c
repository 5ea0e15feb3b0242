/* SPDX-License-Identifier: MIT */
/* Giving connections away and taking them; see handover.h. */
#include "proxy/handover.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "net/stream.h"
#include "sys/fdpass.h"
#include "proxy/client.h"
#include "proxy/exchange_handoff.h"
#include "proxy/recheck.h"
#include "proxy/tunnel.h"
#include "proxy/tunnel_slot.h"
#include "proxy/worker.h"

#define AGAIN_S      0.1 /* between two looks at what is left */
#define BURST        64  /* records before other watchers get their turn */
#define SNDBUF       (1 << 20)
#define IDLE_BYTES   (1 + sizeof(struct client_name))
#define TUNNEL_BYTES (sizeof(struct handoff_record) + 2 * TUNNEL_PENDING_MAX + RECHECK_SESSION_MAX)

struct handover {
	LIST_ENTRY(handover) link;
	struct worker *worker;
	struct ev_io io;
	struct ev_timer again; /* sender: looks for tunnels that can go now */
	bool giving, welcome;  /* welcome: the receiver knows our records */
	uint32_t receiver;     /* its serial */
	size_t moved, lost;
	char bytes[TUNNEL_BYTES > EXCHANGE_HANDOFF_MAX ? TUNNEL_BYTES : EXCHANGE_HANDOFF_MAX];
};

struct handovers {
	LIST_HEAD(, handover) list;
};

static void handover_end(struct handover *h)
{
	struct worker *worker = h->worker;

	if (h->moved > 0)
		log_write(LOG_L_INFO, h->giving ? "tunnels_sent" : "tunnels_received", kv_tunnels((int64_t)h->moved),
		          h->giving ? kv_left((int64_t)worker->tunnels->n) : kv_none());
	if (h->lost > 0)
		log_write(LOG_L_ERROR, "tunnels_lost", kv_tunnels((int64_t)h->lost),
		          kv_error("no descriptors were left"), kv_hint("raise LimitNOFILE"));
	ev_io_stop(worker->loop, &h->io);
	ev_timer_stop(worker->loop, &h->again);
	close(h->io.fd);
	LIST_REMOVE(h, link);
	free(h);
}

struct handovers *handovers_new(void)
{
	struct handovers *all = calloc(1, sizeof *all);

	if (all)
		LIST_INIT(&all->list);
	return all;
}

void handovers_free(struct handovers *all)
{
	if (!all)
		return;
	while (!LIST_EMPTY(&all->list))
		handover_end(LIST_FIRST(&all->list));
	free(all);
}

static struct handover *handover_new(struct worker *worker, int fd, void (*cb)(struct ev_loop *, struct ev_io *, int))
{
	struct handover *h = fd >= 0 ? calloc(1, sizeof *h) : NULL;

	if (!h) {
		if (fd >= 0)
			close(fd);
		return NULL;
	}
	h->worker = worker;
	ev_io_init(&h->io, cb, fd, EV_READ);
	h->io.data = h;
	ev_init(&h->again, NULL);
	ev_io_start(worker->loop, &h->io);
	LIST_INSERT_HEAD(&worker->handovers->list, h, link);
	return h;
}

/* ---- giving ------------------------------------------------------------------------------------- */

static void give_up(struct handover *h, const char *why)
{
	if (h->worker->tunnels->n > 0)
		log_write(LOG_L_WARNING, "handover_failed", kv_error(why), kv_left((int64_t)h->worker->tunnels->n),
		          kv_effect("they stay here until another proxy takes them or they end"));
	handover_end(h);
}

static int idle_give(void *arg, int fd, const struct client_name *name)
{
	char record[IDLE_BYTES] = {HANDOFF_IDLE};
	const struct handover *h = arg;

	memcpy(record + 1, name, sizeof *name);
	return handoff_send(h->io.fd, record, sizeof record, &fd, 1);
}

/* Every tunnel that is light enough, until the socket is full. */
static int tunnels_give(struct handover *h)
{
	struct worker *worker = h->worker;
	struct tunnel *t, *next;
	int r = 0;

	tunnels_settle(worker);
	for (t = LIST_FIRST(&worker->tunnels->list); t && r == 0; t = next) {
		int fds[2];
		size_t len = tunnel_pack(t, h->bytes, sizeof h->bytes, fds);

		next = LIST_NEXT(t, link);
		if (len == 0)
			continue;
		tunnel_slot_give(t, h->receiver);
		r = handoff_send(h->io.fd, h->bytes, len, fds, 2);
		if (r < 0) {
			tunnel_slot_give(t, worker->process->serial);
			continue;
		}
		h->moved++;
		tunnel_given(t);
	}
	return r;
}

static int exchange_give(void *arg, void *request)
{
	struct handover *h = arg;
	struct exchange *x = request;
	int fds[2], r;
	size_t len = exchange_handoff_pack(x, h->bytes, sizeof h->bytes, fds);

	if (len == 0)
		return 0;
	stream_break(fds[0]); /* lost on its way it must not look whole */
	r = handoff_send(h->io.fd, h->bytes, len, fds, 2);
	if (r == 0)
		exchange_given(x);
	else
		stream_unbreak(fds[0]);
	return r;
}

/* Clients whose next request could meet our end stay as long as they may send it here. */
static void give_all(struct handover *h)
{
	struct worker *worker = h->worker;
	int r = tunnels_give(h);

	if (r == 0 && worker->draining)
		r = clients_give_serving(worker->clients, exchange_give, h);
	if (r == 0 && worker->draining)
		r = clients_give_idle(worker->clients, idle_give, h);
	if (r < 0 && r != -EAGAIN)
		give_up(h, strerror(-r));
}

static void on_again(struct ev_loop *loop, struct ev_timer *w, int revents)
{
	(void)loop, (void)revents;
	give_all(w->data);
}

/* The receiver's hello, or its end. */
static void on_receiver(struct ev_loop *loop, struct ev_io *w, int revents)
{
	struct handover *h = w->data;
	int r = tunnel_hello_recv(w->fd);

	(void)revents;
	if (r == -EAGAIN)
		return;
	if (r < 0) {
		give_up(h, h->welcome ? "the receiver is gone" : "the receiver is gone, or knows other records");
		return;
	}
	h->welcome = true;
	ev_timer_init(&h->again, on_again, AGAIN_S, AGAIN_S);
	h->again.data = h;
	ev_timer_start(loop, &h->again);
	give_all(h);
}

/* What it sent so far can be read all the same. */
static void giving_end(struct worker *worker)
{
	struct handover *h, *next;

	for (h = LIST_FIRST(&worker->handovers->list); h; h = next) {
		next = LIST_NEXT(h, link);
		if (h->giving)
			handover_end(h);
	}
}

void handover_give(struct worker *worker, int fd, uint32_t receiver)
{
	struct handover *h;
	int size = SNDBUF;

	giving_end(worker);
	h = handover_new(worker, fd, on_receiver);
	if (!h)
		return;
	h->giving = true;
	h->receiver = receiver;
	setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof size); /* best effort */
}

/* ---- taking --------------------------------------------------------------------------------------- */

/* One record; its length, 0 at the end, or -errno.  n_fds is less than were sent if descriptors ran out: the kernel
 * dropped the others. */
static ssize_t handoff_recv(struct handover *h, int fds[2], size_t *n_fds)
{
	union fdpass fdpass;
	struct iovec part = {h->bytes, sizeof h->bytes};
	struct msghdr m = {.msg_iov = &part, .msg_iovlen = 1};
	ssize_t n;

	fdpass_expect(&m, &fdpass);
	n = recvmsg(h->io.fd, &m, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	if (n <= 0)
		return n == 0 ? 0 : -errno;
	*n_fds = fdpass_detach(&m, fds);
	return n;
}

static bool is_idle_client(const struct handover *h, size_t n)
{
	return n == IDLE_BYTES && h->bytes[0] == HANDOFF_IDLE;
}

static void idle_take(struct handover *h, const int fds[2], size_t n_fds)
{
	struct client_name name;

	memcpy(&name, h->bytes + 1, sizeof name);
	if (n_fds == 1)
		client_adopt(h->worker->clients, fds[0], &name);
}

static void handoff_take(struct handover *h, size_t n, const int fds[2], size_t n_fds)
{
	if (is_idle_client(h, n)) {
		idle_take(h, fds, n_fds);
		return;
	}
	if (n_fds < 2) {
		if (n_fds == 1)
			close(fds[0]);
		if (h->bytes[0] == HANDOFF_EXCHANGE)
			exchange_lose(h->worker, h->bytes, n, "no descriptors were left for it when it moved");
		else
			tunnel_lose(h->worker, h->bytes, n, "no descriptors were left for it when it moved");
		h->lost++;
		return;
	}
	if (h->bytes[0] == HANDOFF_EXCHANGE) {
		exchange_adopt(h->worker, h->bytes, n, fds);
		return;
	}
	tunnel_adopt(h->worker, h->bytes, n, fds);
	h->moved++;
}

static void on_record(struct ev_loop *loop, struct ev_io *w, int revents)
{
	struct handover *h = w->data;
	int fds[2];
	size_t n_fds = 0;

	(void)loop, (void)revents;
	for (int i = 0; i < BURST; i++) {
		ssize_t n = handoff_recv(h, fds, &n_fds);

		if (n == -EAGAIN || n == -EINTR)
			return;
		if (n <= 0) {
			handover_end(h);
			return;
		}
		handoff_take(h, (size_t)n, fds, n_fds);
	}
}

bool handover_is_taking(const struct handovers *all)
{
	const struct handover *h;

	LIST_FOREACH (h, &all->list, link)
		if (!h->giving)
			return true;
	return false;
}

void handover_take(struct worker *worker, int fd)
{
	struct tunnel_hello hello = {.version = HANDOFF_VERSION, .size = sizeof(struct handoff_record)};
	struct handover *h = handover_new(worker, fd, on_record);

	if (h && send(fd, &hello, sizeof hello, MSG_NOSIGNAL | MSG_DONTWAIT) != (ssize_t)sizeof hello)
		handover_end(h);
}
