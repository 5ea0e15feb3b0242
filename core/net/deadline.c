/* SPDX-License-Identifier: MIT */
/* A lazy timer; see deadline.h. */
#include "net/deadline.h"

#include "sys/clock.h"

static void arm(struct ev_loop *loop, struct deadline *d)
{
	uint64_t now_us = clock_mono_us();

	d->armed_us = d->due_us;
	ev_timer_stop(loop, &d->timer);
	ev_timer_set(&d->timer, d->due_us > now_us ? (double)(d->due_us - now_us) / 1e6 : 0., 0.);
	ev_timer_start(loop, &d->timer);
}

static void on_timer(struct ev_loop *loop, struct ev_timer *w, int revents)
{
	struct deadline *d = w->data;

	(void)revents;
	if (d->due_us == 0)
		return;
	if (d->due_us > clock_mono_us()) {
		arm(loop, d);
		return;
	}
	d->due_us = 0;
	d->cb(d->arg);
}

void deadline_init(struct deadline *d, void (*cb)(void *arg), void *arg)
{
	ev_init(&d->timer, on_timer);
	d->timer.data = d;
	d->due_us = 0;
	d->cb = cb;
	d->arg = arg;
}

void deadline_set(struct ev_loop *loop, struct deadline *d, uint64_t after_us)
{
	if (after_us == 0) {
		d->due_us = 0;
		return;
	}
	d->due_us = clock_coarse_us() + CLOCK_COARSE_US + after_us;
	if (!ev_is_active(&d->timer) || d->due_us < d->armed_us)
		arm(loop, d);
}

void deadline_stop(struct ev_loop *loop, struct deadline *d)
{
	ev_timer_stop(loop, &d->timer);
	d->due_us = 0;
}
