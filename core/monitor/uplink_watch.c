/* SPDX-License-Identifier: MIT */
/* Whether this machine has a network of its own; see uplink_watch.h. */
#include "monitor/uplink_watch.h"

#include <errno.h>

#include "obs/log.h"
#include "sys/clock.h"

#define SETTLE_S 0.1

static void lost(struct uplink_watch *w, uint64_t now_us)
{
	const struct host_event e = {.kind = HOST_OFFLINE, .from_us = now_us, .until_us = HOST_GOES_ON};

	w->lost_us = now_us;
	w->changed(w->arg, &e);
}

static void back(struct uplink_watch *w, uint64_t now_us)
{
	const struct host_event e = {
	    .kind = HOST_OFFLINE, .from_us = w->lost_us, .until_us = now_us, .length_us = now_us - w->lost_us};

	w->lost_us = 0;
	w->changed(w->arg, &e);
}

/* 0, or -errno: it is not known. */
static int look(struct uplink_watch *w)
{
	bool has = false;
	int r = uplink_read(&w->uplink, &has);

	if (r < 0)
		return r;
	if (has && w->lost_us != 0)
		back(w, clock_mono_us());
	else if (!has && w->had && w->lost_us == 0)
		lost(w, clock_mono_us());
	w->had = w->had || has;
	return 0;
}

static void settle_start(struct uplink_watch *w)
{
	if (ev_is_active(&w->settle))
		return;
	ev_timer_set(&w->settle, SETTLE_S, 0.);
	ev_timer_start(w->loop, &w->settle);
}

/* Once more, where a change came between. */
static void look_or_again(struct uplink_watch *w)
{
	int r = look(w);

	if (r == -EAGAIN || r == -ENOBUFS)
		settle_start(w);
	else if (r < 0)
		log_write(LOG_L_WARNING, "network_unknown", kv_errno(r));
}

static void on_settle(struct ev_loop *loop, struct ev_timer *t, int revents)
{
	(void)loop, (void)revents;
	look_or_again(t->data);
}

static void on_news(struct ev_loop *loop, struct ev_io *io, int revents)
{
	struct uplink_watch *w = io->data;

	(void)loop, (void)revents;
	uplink_drain(&w->uplink);
	settle_start(w);
}

void uplink_watch_start(struct uplink_watch *w, struct ev_loop *loop, uplink_changed changed, void *arg)
{
	int r = uplink_open(&w->uplink);

	if (r < 0) {
		log_write(LOG_L_WARNING, "network_unknown", kv_errno(r));
		return;
	}
	w->loop = loop;
	w->changed = changed;
	w->arg = arg;
	ev_timer_init(&w->settle, on_settle, SETTLE_S, 0.);
	ev_io_init(&w->news, on_news, w->uplink.news_fd, EV_READ);
	w->settle.data = w->news.data = w;
	ev_io_start(loop, &w->news);
	look_or_again(w);
}

void uplink_watch_stop(struct uplink_watch *w)
{
	if (w->loop == NULL)
		return;
	ev_timer_stop(w->loop, &w->settle);
	ev_io_stop(w->loop, &w->news);
	uplink_close(&w->uplink);
	w->loop = NULL;
}
