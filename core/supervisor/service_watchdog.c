/* SPDX-License-Identifier: MIT */
/* A datagram three times as often as it has to come; see service_watchdog.h. */
#include "supervisor/service_watchdog.h"

#include <stdint.h>
#include <stdlib.h>

#include "options/parse.h"
#include "supervisor/notify.h"

#define OFTEN 3

static void on_due(struct ev_loop *loop, struct ev_timer *timer, int revents)
{
	(void)loop, (void)timer, (void)revents;
	notify_send("WATCHDOG=1"); /* if it cannot be sent, the next one may */
}

void service_watchdog_start(struct service_watchdog *w, struct ev_loop *loop)
{
	const char *text = getenv("WATCHDOG_USEC");
	int64_t limit_us;
	double pause;

	if (!text || !int_parse(text, &limit_us) || limit_us < 1)
		return;
	pause = (double)limit_us / 1e6 / OFTEN;
	ev_timer_init(&w->timer, on_due, 0., pause);
	ev_timer_start(loop, &w->timer);
}
