/* SPDX-License-Identifier: MIT */
/* Descriptors of plugins on the process's loop; see host_watches.h. */
#include "plugin_host/host_watches.h"

#include <stdlib.h>

#include "plugin_host/host_state.h"
#include "plugin_host/plugin_call.h"

struct t3ops_fd_watch {
	LIST_ENTRY(t3ops_fd_watch) link;
	struct t3ops_instance *instance;
	struct ev_io ev;
	void (*cb)(struct t3ops_ctx *ctx, uint32_t ready, void *arg);
	void *arg;
	bool running, stopped; /* stopped inside its own callback: freed when that returns */
};

static void watch_stop(struct t3ops_fd_watch *w)
{
	ev_io_stop(w->instance->host->process->loop, &w->ev);
}

static void watch_free(struct t3ops_fd_watch *w)
{
	watch_stop(w);
	LIST_REMOVE(w, link);
	free(w);
}

static void on_ready(struct ev_loop *loop, struct ev_io *ev, int revents)
{
	struct t3ops_fd_watch *w = ev->data;
	struct t3ops_instance *i = w->instance;
	uint32_t ready = (revents & EV_READ ? T3OPS_FD_READABLE : 0u) | (revents & EV_WRITE ? T3OPS_FD_WRITABLE : 0u);

	(void)loop;
	w->running = true;
	plugin_enter(i, "fd_watch");
	w->cb(&i->ctx, ready, w->arg);
	plugin_leave(i);
	w->running = false;
	if (w->stopped)
		watch_free(w);
}

static struct t3ops_fd_watch *fd_watch(struct t3ops_ctx *ctx, int fd, uint32_t events,
                                       void (*cb)(struct t3ops_ctx *ctx, uint32_t ready, void *arg), void *arg)
{
	struct t3ops_fd_watch *w = calloc(1, sizeof *w);

	if (!w)
		return NULL;
	w->instance = ctx->instance;
	w->cb = cb;
	w->arg = arg;
	ev_io_init(&w->ev, on_ready, fd,
	           (events & T3OPS_FD_READABLE ? EV_READ : 0) | (events & T3OPS_FD_WRITABLE ? EV_WRITE : 0));
	w->ev.data = w;
	ev_io_start(ctx->instance->host->process->loop, &w->ev);
	LIST_INSERT_HEAD(&ctx->instance->watches, w, link);
	return w;
}

/* At once, even in its own callback: the plugin may close the descriptor next. */
static void fd_unwatch(struct t3ops_ctx *ctx, struct t3ops_fd_watch *w)
{
	(void)ctx;
	if (!w)
		return;
	watch_stop(w);
	if (w->running)
		w->stopped = true;
	else
		watch_free(w);
}

void host_watches_fill(struct t3ops_host *services)
{
	services->fd_watch = fd_watch;
	services->fd_unwatch = fd_unwatch;
}

void host_watches_release(struct t3ops_instance *i)
{
	struct t3ops_fd_watch *w;

	while ((w = LIST_FIRST(&i->watches)))
		watch_free(w);
}
