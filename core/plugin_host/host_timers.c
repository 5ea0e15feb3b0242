/* SPDX-License-Identifier: MIT */
/* Timers of plugins on the process's loop; see host_timers.h. */
#include "plugin_host/host_timers.h"

#include <stdlib.h>

#include "plugin_host/host_state.h"
#include "plugin_host/plugin_call.h"

struct t3ops_timer {
	LIST_ENTRY(t3ops_timer) link;
	struct t3ops_instance *instance;
	struct ev_timer ev;
	void (*cb)(struct t3ops_ctx *ctx, void *arg);
	void *arg;
	bool running, stopped; /* stopped inside its own callback: freed when that returns */
};

static void timer_free(struct t3ops_timer *t)
{
	ev_timer_stop(t->instance->host->process->loop, &t->ev);
	LIST_REMOVE(t, link);
	free(t);
}

static void on_timer(struct ev_loop *loop, struct ev_timer *w, int revents)
{
	struct t3ops_timer *t = w->data;
	struct t3ops_instance *i = t->instance;

	(void)loop, (void)revents;
	t->running = true;
	plugin_enter(i, "timer");
	t->cb(&i->ctx, t->arg);
	plugin_leave(i);
	t->running = false;
	if (t->stopped || t->ev.repeat <= 0.)
		timer_free(t);
}

static struct t3ops_timer *timer_start(struct t3ops_ctx *ctx, uint64_t after_us, uint64_t every_us,
                                       void (*cb)(struct t3ops_ctx *ctx, void *arg), void *arg)
{
	struct ev_loop *loop = ctx->instance->host->process->loop;
	struct t3ops_timer *t = calloc(1, sizeof *t);

	if (!t)
		return NULL;
	t->instance = ctx->instance;
	t->cb = cb;
	t->arg = arg;
	ev_timer_init(&t->ev, on_timer, (double)after_us / 1e6, (double)every_us / 1e6);
	t->ev.data = t;
	ev_now_update(loop); /* the callback that starts it may have taken its time */
	ev_timer_start(loop, &t->ev);
	LIST_INSERT_HEAD(&ctx->instance->timers, t, link);
	return t;
}

static void timer_stop(struct t3ops_ctx *ctx, struct t3ops_timer *t)
{
	(void)ctx;
	if (!t)
		return;
	if (t->running)
		t->stopped = true;
	else
		timer_free(t);
}

void host_timers_fill(struct t3ops_host *services)
{
	services->timer_start = timer_start;
	services->timer_stop = timer_stop;
}

void host_timers_release(struct t3ops_instance *i)
{
	struct t3ops_timer *t;

	while ((t = LIST_FIRST(&i->timers)))
		timer_free(t);
}
