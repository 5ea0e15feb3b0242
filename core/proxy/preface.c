/* SPDX-License-Identifier: MIT */
/* Reading a PROXY header; see preface.h. */
#include "proxy/preface.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/queue.h>
#include <unistd.h>

#include "net/deadline.h"
#include "net/proxy_header.h"
#include "proxy/client.h"
#include "proxy/worker.h"

struct preface {
	LIST_ENTRY(preface) link;
	struct prefaces *all;
	struct ev_io io;
	struct deadline limit;
	struct peer sender;
	size_t n;
	char bytes[PROXY_HEADER_MAX];
};

struct prefaces {
	LIST_HEAD(, preface) list;
	size_t n;
	struct worker *worker;
};

/* Gives the descriptor away. */
static int preface_detach(struct preface *p)
{
	struct prefaces *all = p->all;
	int fd = p->io.fd;

	ev_io_stop(all->worker->loop, &p->io);
	deadline_stop(all->worker->loop, &p->limit);
	LIST_REMOVE(p, link);
	all->n--;
	free(p);
	return fd;
}

static void refusal_report(struct worker *worker, const struct peer *sender, const char *error)
{
	char hint[160];
	uint64_t left_out;

	series_add(worker->metrics.preface_refused, 1);
	if (!throttle_passes(&worker->throttle, sender->address, "preface", clock_mono_us(), &left_out))
		return;
	peer_hint(sender, hint, sizeof hint);
	log_write(LOG_L_WARNING, "proxy_header_refused", kv_peer(sender->address), kv_error(error), kv_hint(hint),
	          kv_suppressed((int64_t)left_out));
}

static void preface_refuse(struct preface *p, const char *error)
{
	refusal_report(p->all->worker, &p->sender, error);
	close(preface_detach(p));
}

static void on_limit(void *arg)
{
	preface_refuse(arg, "no whole PROXY header came within header_timeout");
}

/* Takes n more bytes, which were looked at, from the socket. */
static bool preface_take(struct preface *p, size_t n)
{
	ssize_t taken = n > 0 ? recv(p->io.fd, p->bytes + p->n, n, MSG_DONTWAIT) : 0;

	if (taken > 0)
		p->n += (size_t)taken;
	return taken == (ssize_t)n;
}

static void preface_end(struct preface *p, const struct proxy_header *header, bool named)
{
	struct clients *clients = p->all->worker->clients;

	client_new_named(clients, preface_detach(p), named ? (const struct sockaddr *)&header->source : NULL);
}

/* The header is looked at before it is taken: what follows it stays in the socket. */
static void on_readable(struct ev_loop *loop, struct ev_io *w, int revents)
{
	struct preface *p = w->data;
	ssize_t n = recv(w->fd, p->bytes + p->n, sizeof p->bytes - p->n, MSG_DONTWAIT | MSG_PEEK);
	enum proxy_header_result result;
	struct proxy_header header;
	size_t seen;

	(void)loop, (void)revents;
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		close(preface_detach(p)); /* it left: a check of whether somebody listens */
		return;
	}
	seen = p->n + (size_t)n;
	result = proxy_header_parse(p->bytes, seen, &header);
	if (result == PROXY_HEADER_INVALID || (result == PROXY_HEADER_MORE && seen == sizeof p->bytes))
		preface_refuse(p, "what it began with is not a PROXY header of a TCP connection");
	else if (!preface_take(p, (result == PROXY_HEADER_MORE ? seen : header.len) - p->n))
		preface_refuse(p, "its PROXY header could not be read");
	else if (result != PROXY_HEADER_MORE)
		preface_end(p, &header, result == PROXY_HEADER_NAMED);
}

/* Of a peer on this machine that is gone nobody can tell whose process it was. */
static bool has_left(int fd)
{
	char byte;

	return recv(fd, &byte, 1, MSG_DONTWAIT | MSG_PEEK) == 0;
}

void preface_begin(struct prefaces *all, int fd, const struct sockaddr *peer)
{
	struct worker *worker = all->worker;
	struct preface *p = malloc(sizeof *p);

	if (!p) {
		close(fd);
		return;
	}
	*p = (struct preface){.all = all};
	peer_find(worker->peers, fd, peer, &p->sender);
	ev_io_init(&p->io, on_readable, fd, EV_READ);
	p->io.data = p;
	deadline_init(&p->limit, on_limit, p);
	LIST_INSERT_HEAD(&all->list, p, link);
	all->n++;
	if (p->sender.trust != PEER_TRUSTED) {
		if (has_left(fd))
			close(preface_detach(p));
		else
			preface_refuse(p, "the peer may not send a PROXY header");
		return;
	}
	deadline_set(worker->loop, &p->limit, worker->conf.header_us);
	ev_io_start(worker->loop, &p->io);
}

struct prefaces *prefaces_new(struct worker *worker)
{
	struct prefaces *all = calloc(1, sizeof *all);

	if (!all)
		return NULL;
	LIST_INIT(&all->list);
	all->worker = worker;
	return all;
}

void prefaces_free(struct prefaces *all)
{
	struct preface *p;

	if (!all)
		return;
	while ((p = LIST_FIRST(&all->list)))
		close(preface_detach(p));
	free(all);
}

size_t prefaces_count(const struct prefaces *all)
{
	return all->n;
}
