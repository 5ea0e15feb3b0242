/* SPDX-License-Identifier: MIT */
/* Back-off of restarts; see restarts.h. */
#include "supervisor/restarts.h"

#define PAUSE_MIN_US UINT64_C(100000)
#define HEALTHY_US   UINT64_C(60000000) /* after so long an exit counts as the first one again */

static void on_timer(struct ev_loop *loop, struct ev_timer *timer, int revents)
{
	const struct restart *one = timer->data;
	const struct restarts *r = one->all;

	(void)loop, (void)revents;
	r->on_due(r->arg, (unsigned)(one - r->slots));
}

void restarts_init(struct restarts *r, struct ev_loop *loop, void (*on_due)(void *arg, unsigned slot), void *arg)
{
	*r = (struct restarts){.loop = loop, .pause_max_us = PAUSE_MIN_US, .on_due = on_due, .arg = arg};
	for (unsigned slot = 0; slot < PROCESS_SLOTS; slot++) {
		struct restart *one = &r->slots[slot];

		ev_init(&one->timer, on_timer);
		one->timer.data = one;
		one->all = r;
		one->pause_us = PAUSE_MIN_US;
	}
}

static void after(struct restarts *r, unsigned slot, uint64_t pause_us)
{
	struct ev_timer *timer = &r->slots[slot].timer;

	ev_timer_stop(r->loop, timer);
	ev_timer_set(timer, (double)pause_us / 1e6, 0.);
	ev_timer_start(r->loop, timer);
}

uint64_t restart_schedule(struct restarts *r, unsigned slot, uint64_t lived_us)
{
	struct restart *one = &r->slots[slot];
	uint64_t pause_us = lived_us > HEALTHY_US ? PAUSE_MIN_US : one->pause_us;

	after(r, slot, pause_us);
	one->pause_us = pause_us * 2 < r->pause_max_us ? pause_us * 2 : r->pause_max_us;
	return pause_us;
}

void restart_retry(struct restarts *r, unsigned slot)
{
	after(r, slot, r->pause_max_us);
}

void restart_cancel(struct restarts *r, unsigned slot)
{
	ev_timer_stop(r->loop, &r->slots[slot].timer);
	r->slots[slot].pause_us = PAUSE_MIN_US;
}

void restarts_stop(struct restarts *r)
{
	for (unsigned slot = 0; slot < PROCESS_SLOTS; slot++)
		ev_timer_stop(r->loop, &r->slots[slot].timer);
}
