/* SPDX-License-Identifier: MIT */
/* The clock that stands still, timers on it, and descriptors, which are real. */
#include <poll.h>
#include <stdlib.h>

#include "clock.h"

#define TURNS_MAX 1000000                    /* at one moment: a timer that is due again at once, for ever */
#define WALL_US   UINT64_C(1767225600000000) /* 2026-01-01: what the wall clock says at the beginning */
#define BEGIN_US  UINT64_C(1000000000)

struct t3ops_timer {
	struct testhost_due due; /* first */
	uint64_t every_us;
	void (*cb)(struct t3ops_ctx *ctx, void *arg);
	void *arg;
	bool ended;
};

struct t3ops_fd_watch {
	int fd;
	uint32_t events;
	void (*cb)(struct t3ops_ctx *ctx, uint32_t ready, void *arg);
	void *arg;
	bool ended;
};

/* ---- what is due ----------------------------------------------------------------------------------------- */

void testhost_due_set(struct testhost *h, struct testhost_due *d, uint64_t after_us)
{
	struct testhost_due *later;

	testhost_due_stop(h, d);
	d->at_us = h->now_us + after_us;
	d->set = true;
	TAILQ_FOREACH (later, &h->due, link)
		if (later->at_us > d->at_us)
			break;
	if (later != NULL)
		TAILQ_INSERT_BEFORE(later, d, link);
	else
		TAILQ_INSERT_TAIL(&h->due, d, link);
}

void testhost_due_stop(struct testhost *h, struct testhost_due *d)
{
	if (d->set)
		TAILQ_REMOVE(&h->due, d, link);
	d->set = false;
}

/* ---- descriptors ----------------------------------------------------------------------------------------- */

static size_t watches_poll(struct testhost *h, struct pollfd *fds, struct t3ops_fd_watch **of)
{
	size_t n = 0;

	for (size_t i = 0; i < h->watches.n; i++) {
		struct t3ops_fd_watch *w = h->watches.items[i];

		if (w->ended)
			continue;
		fds[n].fd = w->fd;
		fds[n].events = (short)((w->events & T3OPS_FD_READABLE ? POLLIN : 0) |
		                        (w->events & T3OPS_FD_WRITABLE ? POLLOUT : 0));
		of[n++] = w;
	}
	return n;
}

static uint32_t ready_of(const struct t3ops_fd_watch *w, short revents)
{
	bool broken = revents & (POLLERR | POLLHUP | POLLNVAL);

	return w->events & ((revents & POLLIN || broken ? T3OPS_FD_READABLE : 0u) |
	                    (revents & POLLOUT || broken ? T3OPS_FD_WRITABLE : 0u));
}

bool testhost_poll(struct testhost *h, int real_ms)
{
	size_t room = h->watches.n + 1, n;
	struct pollfd *fds = calloc(room, sizeof *fds);
	struct t3ops_fd_watch **of = calloc(room, sizeof(struct t3ops_fd_watch *));
	bool any = false;

	if (fds == NULL || of == NULL)
		abort();
	n = watches_poll(h, fds, of);
	if (poll(fds, n, real_ms) > 0)
		for (size_t i = 0; i < n; i++) {
			uint32_t ready = of[i]->ended ? 0 : ready_of(of[i], fds[i].revents);

			if (fds[i].revents & POLLNVAL)
				testhost_die(h, "descriptor %d is watched, and was closed: unwatch it first",
				             of[i]->fd);
			if (ready != 0)
				of[i]->cb(&h->ctx, ready, of[i]->arg);
			any = any || ready != 0;
		}
	free(fds);
	free(of);
	return any;
}

/* ---- time ------------------------------------------------------------------------------------------------ */

void testhost_run_until(struct testhost *h, uint64_t until_us, const bool *done)
{
	struct testhost_due *d;
	unsigned turns = 0;

	testhost_poll(h, 0);
	while (!(done != NULL && *done) && (d = TAILQ_FIRST(&h->due)) != NULL && d->at_us <= until_us) {
		turns = d->at_us > h->now_us ? 0 : turns + 1;
		if (turns > TURNS_MAX)
			testhost_die(h, "a timer is due again and again without any time passing");
		h->now_us = d->at_us > h->now_us ? d->at_us : h->now_us;
		testhost_due_stop(h, d);
		d->fire(h, d);
		testhost_poll(h, 0);
	}
	if (!(done != NULL && *done) && until_us > h->now_us)
		h->now_us = until_us;
}

void testhost_advance(struct testhost *h, uint64_t ms)
{
	testhost_run_until(h, h->now_us + ms * 1000, NULL);
}

uint64_t testhost_now_us(const struct testhost *h)
{
	return h->now_us;
}

/* ---- services -------------------------------------------------------------------------------------------- */

static uint64_t now_us(struct t3ops_ctx *ctx)
{
	return testhost_of(ctx)->now_us;
}

static uint64_t wall_us(struct t3ops_ctx *ctx)
{
	return testhost_of(ctx)->now_us - BEGIN_US + WALL_US;
}

static void on_timer(struct testhost *h, struct testhost_due *d)
{
	struct t3ops_timer *t = (struct t3ops_timer *)d;

	if (t->every_us > 0)
		testhost_due_set(h, d, t->every_us);
	t->cb(&h->ctx, t->arg);
	if (!t->due.set)
		t->ended = true;
}

static struct t3ops_timer *timer_start(struct t3ops_ctx *ctx, uint64_t after_us, uint64_t every_us,
                                       void (*cb)(struct t3ops_ctx *ctx, void *arg), void *arg)
{
	struct testhost *h = testhost_of(ctx);
	struct t3ops_timer *t = testhost_alloc(h, sizeof *t);

	t->due.fire = on_timer;
	t->every_us = every_us;
	t->cb = cb;
	t->arg = arg;
	testhost_due_set(h, &t->due, after_us);
	testhost_list_add(&h->timers, t);
	return t;
}

static void timer_stop(struct t3ops_ctx *ctx, struct t3ops_timer *t)
{
	if (t == NULL)
		return;
	if (t->ended)
		testhost_bug(testhost_of(ctx),
		             "timer_stop: that timer is gone: its callback came, or it was stopped");
	testhost_due_stop(testhost_of(ctx), &t->due);
	t->ended = true;
}

static struct t3ops_fd_watch *fd_watch(struct t3ops_ctx *ctx, int fd, uint32_t events,
                                       void (*cb)(struct t3ops_ctx *ctx, uint32_t ready, void *arg), void *arg)
{
	struct testhost *h = testhost_of(ctx);
	struct t3ops_fd_watch *w = testhost_alloc(h, sizeof *w);

	*w = (struct t3ops_fd_watch){.fd = fd, .events = events, .cb = cb, .arg = arg};
	if (fd < 0 || events == 0)
		testhost_die(h, "fd_watch of descriptor %d for events %u", fd, events);
	testhost_list_add(&h->watches, w);
	return w;
}

static void fd_unwatch(struct t3ops_ctx *ctx, struct t3ops_fd_watch *w)
{
	if (w == NULL)
		return;
	if (w->ended)
		testhost_bug(testhost_of(ctx), "fd_unwatch: descriptor %d is watched no longer", w->fd);
	w->ended = true;
}

void testhost_clock_fill(struct t3ops_host *s)
{
	s->now_us = now_us;
	s->wall_us = wall_us;
	s->timer_start = timer_start;
	s->timer_stop = timer_stop;
	s->fd_watch = fd_watch;
	s->fd_unwatch = fd_unwatch;
}

size_t testhost_clock_release(struct testhost *h)
{
	size_t left = 0;

	for (size_t i = 0; i < h->timers.n; i++) {
		struct t3ops_timer *t = h->timers.items[i];

		left += !t->ended;
		testhost_due_stop(h, &t->due);
		t->ended = true;
	}
	for (size_t i = 0; i < h->watches.n; i++) {
		struct t3ops_fd_watch *w = h->watches.items[i];

		left += !w->ended;
		w->ended = true;
	}
	return left;
}
