/* SPDX-License-Identifier: MIT */
/* Accepting; see acceptor.h. */
#include "proxy/acceptor.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/socket_owner.h"
#include "options/option.h"
#include "proxy/client.h"
#include "proxy/preface.h"
#include "proxy/tunnel_state.h"
#include "proxy/worker.h"

#define ACCEPT_AGAIN_S 0.5
#define RESERVED_FDS   256 /* for the t3 servers of those who are here; of a small limit an eighth */

struct acceptor {
	struct ev_io io;
	struct acceptors *all;
	bool proxied;               /* its connections begin with a PROXY header */
	bool has_address;           /* all of them have their end there */
	struct sockaddr_storage at; /* then */
};

/*   ACCEPTING <--few descriptors are left / there is room again--> PAUSED       either --close--> CLOSED */
enum acceptors_state { ACCEPTORS_ACCEPTING, ACCEPTORS_PAUSED, ACCEPTORS_CLOSED };

struct acceptors {
	struct worker *worker;
	enum acceptors_state state;
	struct acceptor rows[PROCESS_MAX_LISTENERS];
	size_t n;
	int last_fd;           /* with it accepting pauses */
	struct ev_timer again; /* while paused: is there room? */
};

/* The one place that starts and stops watchers. */
static void acceptors_set_state(struct acceptors *all, enum acceptors_state state)
{
	struct ev_loop *loop = all->worker->loop;

	all->state = state;
	for (size_t i = 0; i < all->n; i++) {
		if (state == ACCEPTORS_ACCEPTING)
			ev_io_start(loop, &all->rows[i].io);
		else
			ev_io_stop(loop, &all->rows[i].io);
	}
	if (state == ACCEPTORS_PAUSED)
		ev_timer_again(loop, &all->again);
	else
		ev_timer_stop(loop, &all->again);
}

/* New clients wait in the queue of the kernel: without descriptors accept(2) would fail over and over, and those
 * who are here already need some for their t3 servers. */
static void acceptors_pause(struct acceptors *all, const char *why)
{
	struct worker *worker = all->worker;

	log_write(LOG_L_ERROR, "accept_paused", kv_error(why),
	          kv_connections((int64_t)clients_count(worker->clients)), kv_tunnels((int64_t)worker->tunnels->n),
	          kv_hint("raise LimitNOFILE"));
	series_add(worker->metrics.accept_paused, 1);
	acceptors_set_state(all, ACCEPTORS_PAUSED);
}

/* The next descriptor will be the lowest that is free. */
static bool has_room(const struct acceptors *all)
{
	int fd = fcntl(all->rows[0].io.fd, F_DUPFD_CLOEXEC, 0);

	if (fd >= 0)
		close(fd);
	return fd >= 0 && fd < all->last_fd;
}

static void on_again(struct ev_loop *loop, struct ev_timer *w, int revents)
{
	struct acceptors *all = w->data;

	(void)loop, (void)revents;
	if (has_room(all))
		acceptors_set_state(all, ACCEPTORS_ACCEPTING);
}

/* As many as may come yet. */
static size_t places_left(const struct worker *worker)
{
	size_t n = clients_count(worker->clients) + prefaces_count(worker->prefaces) + worker->tunnels->n;

	return n < worker->conf.max_connections ? worker->conf.max_connections - n : 0;
}

static void admit(const struct acceptor *a, struct arrival *arrivals, size_t n)
{
	struct worker *worker = a->all->worker;

	if (!a->proxied)
		peers_find(worker->peers, a->has_address ? (const struct sockaddr *)&a->at : NULL, arrivals, n);
	for (size_t i = 0; i < n; i++) {
		if (a->proxied)
			preface_begin(worker->prefaces, arrivals[i].fd, (struct sockaddr *)&arrivals[i].address);
		else
			client_new(worker->clients, &arrivals[i]);
	}
}

static void turn_away(struct worker *worker, const struct arrival *arrivals, size_t n)
{
	series_add(worker->metrics.rejected, n);
	for (size_t i = 0; i < n; i++)
		close(arrivals[i].fd);
}

/* Up to ARRIVALS_AT_ONCE, then the others have their turn. */
static size_t accept_some(const struct acceptor *a, struct arrival *arrivals)
{
	struct acceptors *all = a->all;
	size_t n = 0;

	while (n < ARRIVALS_AT_ONCE) {
		struct arrival *new = &arrivals[n];
		socklen_t len = sizeof new->address;

		new->address.ss_family = AF_UNSPEC;
		new->fd = accept4(a->io.fd, (struct sockaddr *)&new->address, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (new->fd < 0 && (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM))
			acceptors_pause(all, strerror(errno));
		if (new->fd < 0)
			break; /* nothing more, or a connection that is gone already */
		n++;
		if (new->fd < all->last_fd)
			continue;
		acceptors_pause(all, "few descriptors are left");
		break;
	}
	return n;
}

static void on_accept(struct ev_loop *loop, struct ev_io *w, int revents)
{
	const struct acceptor *a = w->data;
	struct worker *worker = a->all->worker;
	struct arrival arrivals[ARRIVALS_AT_ONCE];
	size_t n = accept_some(a, arrivals), places = places_left(worker), admitted = n < places ? n : places;

	(void)loop, (void)revents;
	admit(a, arrivals, admitted);
	if (n > admitted)
		turn_away(worker, arrivals + admitted, n - admitted);
}

/* Descriptors are handed out from below: with that one only the reserve is left. */
static int last_fd(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur > INT_MAX)
		return INT_MAX;
	return (int)(limit.rlim_cur - (limit.rlim_cur / 8 < RESERVED_FDS ? limit.rlim_cur / 8 : RESERVED_FDS));
}

struct acceptors *acceptors_new(struct worker *worker)
{
	struct acceptors *all = calloc(1, sizeof *all);

	if (!all)
		return NULL;
	all->worker = worker;
	all->last_fd = last_fd();
	ev_timer_init(&all->again, on_again, 0., ACCEPT_AGAIN_S);
	all->again.data = all;
	for (size_t i = 0; i < worker->process->n_listeners; i++) {
		struct acceptor *a = &all->rows[all->n];

		if (strcmp(worker->process->listeners[i].name, "proxy") != 0)
			continue;
		a->all = all;
		a->has_address = socket_owner_is_at(worker->process->listeners[i].fd, &a->at);
		a->proxied = text_list_has(worker->conf.proxy_protocol, worker->process->listeners[i].configured);
		ev_io_init(&a->io, on_accept, worker->process->listeners[i].fd, EV_READ);
		a->io.data = a;
		all->n++;
	}
	acceptors_set_state(all, ACCEPTORS_ACCEPTING);
	return all;
}

void acceptors_close(struct acceptors *all)
{
	acceptors_set_state(all, ACCEPTORS_CLOSED);
	for (size_t i = 0; i < all->n; i++)
		close(all->rows[i].io.fd);
	all->n = 0;
}

void acceptors_free(struct acceptors *all)
{
	if (!all)
		return;
	acceptors_set_state(all, ACCEPTORS_CLOSED);
	free(all);
}
