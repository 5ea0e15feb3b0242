/* SPDX-License-Identifier: MIT */
/* A lazy timer; see deadline.h. */
#include "net/deadline.h"

static void arm(struct ev_loop *loop, struct deadline *d)
{
	double after = d->due - ev_now(loop);

	d->armed = d->due;
	ev_timer_stop(loop, &d->timer);
	ev_timer_set(&d->timer, after > 0. ? after : 0., 0.);
	ev_timer_start(loop, &d->timer);
}

static void on_timer(struct ev_loop *loop, struct ev_timer *w, int revents)
{
	struct deadline *d = w->data;

	(void)revents;
	if (d->due <= 0.)
		return;
	if (d->due > ev_now(loop)) {
		arm(loop, d);
		return;
	}
	d->due = 0.;
	d->cb(d->arg);
}

void deadline_init(struct deadline *d, void (*cb)(void *arg), void *arg)
{
	ev_init(&d->timer, on_timer);
	d->timer.data = d;
	d->due = 0.;
	d->cb = cb;
	d->arg = arg;
}

void deadline_set(struct ev_loop *loop, struct deadline *d, uint64_t after_us)
{
	if (after_us == 0) {
		d->due = 0.;
		return;
	}
	d->due = ev_now(loop) + (double)after_us / 1e6;
	if (!ev_is_active(&d->timer) || d->due < d->armed)
		arm(loop, d);
}

void deadline_stop(struct ev_loop *loop, struct deadline *d)
{
	ev_timer_stop(loop, &d->timer);
	d->due = 0.;
}
