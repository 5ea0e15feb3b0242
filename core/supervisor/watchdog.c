/* SPDX-License-Identifier: MIT */
/* Pings; see watchdog.h. */
#include "supervisor/watchdog.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define PINGS_MISSED_MAX 3
#define ROUNDS_ASLEEP    16 /* without a ping */

/* The letter of proc(5): S for one that waits, T for one that was stopped.  '\0': not known. */
static char state_letter(pid_t pid)
{
	char path[32], text[512], *end;
	ssize_t n = -1;
	int fd;

	snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0) {
		n = read(fd, text, sizeof text - 1);
		close(fd);
	}
	text[n > 0 ? n : 0] = '\0';
	end = strrchr(text, ')'); /* of its name, which may be anything */
	return end && end[1] == ' ' ? end[2] : '\0';
}

/* It waits in its loop for something to happen.  It is not woken to say so, but for once in a while: what it shows
 * here may be wrong. */
static bool sleeps(struct child *c)
{
	if (!c->watchdog || c->pings_missed > 0 || !__atomic_load_n(&c->watchdog->sleeps, __ATOMIC_RELAXED) ||
	    state_letter(c->pid) != 'S')
		c->rounds_asleep = 0;
	else
		c->rounds_asleep = c->rounds_asleep < ROUNDS_ASLEEP ? c->rounds_asleep + 1 : 0;
	return c->rounds_asleep > 0;
}

/* Its loop went round since the last look.  Its answer may stand in a queue behind thousands of messages, or its ping
 * have found no room there: that is no reason to kill it. */
static bool turned(struct child *c)
{
	uint32_t turns = c->watchdog ? __atomic_load_n(&c->watchdog->turns, __ATOMIC_RELAXED) : 0;
	bool more = turns != c->turns_seen;

	c->turns_seen = turns;
	return more;
}

static void on_due(struct ev_loop *loop, struct ev_timer *timer, int revents)
{
	struct watchdog *w = timer->data;
	uint64_t now_us = clock_mono_us(); /* the child tells by it how long the ping had to wait */
	struct child *c;

	(void)loop, (void)revents;
	PROCESS_TABLE_FOREACH (c, w->processes) {
		if (sleeps(c))
			continue;
		if (turned(c))
			c->pings_missed = 0;
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
