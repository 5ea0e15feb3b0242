/* SPDX-License-Identifier: MIT */
/* HTTP transfers of plugins; see host_fetch.h. */
#include "plugin_host/host_fetch.h"

#include <stdlib.h>

#include "net/fetch_reason.h"
#include "plugin_host/host_state.h"
#include "plugin_host/host_users.h"
#include "plugin_host/host_way.h"
#include "plugin_host/plugin_call.h"
#include "plugin_host/plugin_struct.h"
#include "tbl/reason.h"

struct host_fetch {
	LIST_ENTRY(host_fetch) link;
	struct t3ops_instance *instance;
	uint64_t id;       /* the plugin's */
	uint64_t transfer; /* of net/fetch.h, or of the process's own way */
	bool own_way;
	void (*on_step)(struct t3ops_ctx *ctx, uint32_t step, void *arg);
	t3ops_fetch_cb cb;
	void *arg;
};

static void on_step(void *arg, uint32_t step)
{
	struct host_fetch *f = arg;
	struct t3ops_instance *i = f->instance;

	plugin_enter(i, "fetch_step");
	f->on_step(&i->ctx, step, f->arg);
	plugin_leave(i);
}

static void on_done(void *arg, const struct t3ops_fetched *fetched)
{
	struct host_fetch *f = arg;
	struct t3ops_instance *i = f->instance;

	LIST_REMOVE(f, link);
	plugin_enter(i, "fetched");
	f->cb(&i->ctx, fetched, f->arg);
	plugin_leave(i);
	free(f);
}

/* The process's own way to the user's t3 server, if it has one for this; else libcurl's. */
static void transfer_start(struct host_fetch *f, const struct t3ops_fetch *what)
{
	struct plugin_host *h = f->instance->host;
	const struct user *user = what->user && !what->fresh && h->user_fetcher.start ? host_users_find(h, what->user)
	                                                                              : NULL;
	struct fetch_way way;

	f->transfer = user ? h->user_fetcher.start(h->user_fetcher.arg, user, what, on_done, f) : 0;
	f->own_way = f->transfer != 0;
	if (!f->own_way)
		f->transfer = fetch_start(h->fetcher, what, host_way(h, what->user, &way) ? &way : NULL,
		                          f->on_step ? on_step : NULL, on_done, f);
}

static uint64_t fetch(struct t3ops_ctx *ctx, const struct t3ops_fetch *what, t3ops_fetch_cb cb, void *arg)
{
	struct plugin_host *h = ctx->instance->host;
	struct host_fetch *f = calloc(1, sizeof *f);
	struct t3ops_fetch known;

	if (!f)
		abort(); /* the plugin is promised its answer */
	plugin_struct_take(&known, sizeof known, what);
	*f = (struct host_fetch){
	    .instance = ctx->instance, .id = ++h->last_id, .on_step = known.on_step, .cb = cb, .arg = arg};
	LIST_INSERT_HEAD(&ctx->instance->fetches, f, link);
	ev_now_update(h->process->loop); /* it stood still while a job worked */
	transfer_start(f, &known);
	return f->id;
}

static void host_fetch_end(struct host_fetch *f)
{
	struct plugin_host *h = f->instance->host;

	if (f->own_way)
		h->user_fetcher.cancel(h->user_fetcher.arg, f->transfer);
	else
		fetch_cancel(h->fetcher, f->transfer);
	LIST_REMOVE(f, link);
	free(f);
}

static void plugin_fetch_cancel(struct t3ops_ctx *ctx, uint64_t id)
{
	struct host_fetch *f;

	LIST_FOREACH (f, &ctx->instance->fetches, link)
		if (f->id == id)
			break;
	if (f)
		host_fetch_end(f);
}

static uint32_t plugin_fetch_reason(struct t3ops_ctx *ctx, int error, uint32_t step)
{
	(void)ctx;
	return fetch_reason(error, step);
}

static uint32_t plugin_status_reason(struct t3ops_ctx *ctx, int status)
{
	(void)ctx;
	return status_reason(status);
}

static bool plugin_fetch_end(struct t3ops_ctx *ctx, const struct t3ops_fetched *f, int expected,
                             struct t3ops_ws_end *out)
{
	struct t3ops_ws_end end = {.step = f->step, .reason = fetch_reason(f->error, f->step), .text = f->error_text};

	(void)ctx;
	if (f->error == 0 && f->status == expected)
		return false;
	if (f->error == 0) /* a response came, so the request did */
		end = (struct t3ops_ws_end){
		    .step = T3OPS_STEP_HTTP, .reason = status_reason(f->status), .code = f->status, .text = ""};
	plugin_struct_give(out, &end, sizeof end);
	return true;
}

static const char *plugin_step_name(struct t3ops_ctx *ctx, uint32_t step)
{
	(void)ctx;
	return step_label(step);
}

static const char *plugin_reason_name(struct t3ops_ctx *ctx, uint32_t reason)
{
	(void)ctx;
	return reason_label(reason);
}

void host_fetch_fill(struct t3ops_host *services)
{
	services->fetch = fetch;
	services->fetch_cancel = plugin_fetch_cancel;
	services->fetch_reason = plugin_fetch_reason;
	services->status_reason = plugin_status_reason;
	services->fetch_end = plugin_fetch_end;
	services->step_name = plugin_step_name;
	services->reason_name = plugin_reason_name;
}

void host_fetch_release(struct t3ops_instance *i)
{
	struct host_fetch *f;

	while ((f = LIST_FIRST(&i->fetches)))
		host_fetch_end(f);
}
