/* SPDX-License-Identifier: MIT */
/* Pings; see watchdog.h. */
#include "supervisor/watchdog.h"

#define PINGS_MISSED_MAX 3

static void on_due(struct ev_loop *loop, struct ev_timer *timer, int revents)
{
	struct watchdog *w = timer->data;
	uint64_t now_us = clock_mono_us(); /* the child tells by it how long the ping had to wait */
	struct child *c;

	(void)loop, (void)revents;
	PROCESS_TABLE_FOREACH (c, w->processes) {
		if (c->pings_missed++ < PINGS_MISSED_MAX)
			channel_send(c->channel, MSG_WATCHDOG_PING, c->serial, 0, &now_us, sizeof now_us);
		else if (c->pings_missed == PINGS_MISSED_MAX + 1)
			w->on_stuck(w->arg, c);
	}
	w->on_round(w->arg);
}

void watchdog_pong(struct child *c)
{
	c->pings_missed = 0;
}

void watchdog_start(struct watchdog *w, uint64_t limit_us)
{
	double pause = (double)limit_us / 1e6 / PINGS_MISSED_MAX;

	watchdog_stop(w);
	ev_timer_init(&w->timer, on_due, pause, pause);
	w->timer.data = w;
	ev_timer_start(w->processes->host.loop, &w->timer);
}

void watchdog_stop(struct watchdog *w)
{
	ev_timer_stop(w->processes->host.loop, &w->timer);
}
