/* SPDX-License-Identifier: MIT */
/* WebSockets of leg plugins; see leg_ws.h. */
#include "prober/leg_ws.h"

#include <stdlib.h>

#include "plugin_host/host_way.h"
#include "plugin_host/plugin_host.h"
#include "plugin_host/plugin_struct.h"
#include "net/fetch_way.h"
#include "net/wsclient.h"
#include "prober/leg_state.h"

struct t3ops_ws {
	LIST_ENTRY(t3ops_ws) link;
	struct t3ops_instance *instance;
	struct wsclient *client;
	struct t3ops_ws_handler handler;
	void *arg;
	struct t3ops_leg *leg; /* whose heartbeats it carries; NULL: nobody's */
};

static void ws_free(struct t3ops_ws *ws)
{
	if (ws->leg)
		ws->leg->carrier = NULL;
	LIST_REMOVE(ws, link);
	free(ws);
}

static void on_step(struct wsclient *c, uint32_t step, void *arg)
{
	struct t3ops_ws *ws = arg;
	struct t3ops_instance *i = ws->instance;

	(void)c;
	if (!ws->handler.on_step)
		return;
	plugin_enter(i, "on_step");
	ws->handler.on_step(&i->ctx, ws, step, ws->arg);
	plugin_leave(i);
}

static void on_certificate(struct wsclient *c, uint64_t until_us, void *arg)
{
	struct t3ops_ws *ws = arg;
	struct t3ops_instance *i = ws->instance;

	(void)c;
	if (!ws->handler.on_certificate)
		return;
	plugin_enter(i, "on_certificate");
	ws->handler.on_certificate(&i->ctx, ws, until_us, ws->arg);
	plugin_leave(i);
}

static void on_location(struct wsclient *c, const char *cf_ray, void *arg)
{
	struct t3ops_ws *ws = arg;
	struct t3ops_instance *i = ws->instance;

	(void)c;
	if (!ws->handler.on_location)
		return;
	plugin_enter(i, "on_location");
	ws->handler.on_location(&i->ctx, ws, cf_ray, ws->arg);
	plugin_leave(i);
}

static void on_open(struct wsclient *c, void *arg)
{
	struct t3ops_ws *ws = arg;
	struct t3ops_instance *i = ws->instance;

	(void)c;
	if (!ws->handler.on_open)
		return;
	plugin_enter(i, "on_open");
	ws->handler.on_open(&i->ctx, ws, ws->arg);
	plugin_leave(i);
}

static void on_message(struct wsclient *c, int op, const void *data, size_t len, void *arg)
{
	struct t3ops_ws *ws = arg;
	struct t3ops_instance *i = ws->instance;

	(void)c;
	if (!ws->handler.on_message)
		return;
	plugin_enter(i, "on_message");
	ws->handler.on_message(&i->ctx, ws, op, data, len, ws->arg);
	plugin_leave(i);
}

static void on_end(struct wsclient *c, const struct t3ops_ws_end *end, void *arg)
{
	struct t3ops_ws *ws = arg;
	struct t3ops_instance *i = ws->instance;

	(void)c;
	if (ws->handler.on_end) {
		plugin_enter(i, "on_end");
		ws->handler.on_end(&i->ctx, ws, end, ws->arg);
		plugin_leave(i);
	}
	ws_free(ws);
}

static struct t3ops_ws *ws_open(struct t3ops_ctx *ctx, const struct t3ops_ws_open *o,
                                const struct t3ops_ws_handler *h, void *arg)
{
	static const struct wsclient_callbacks callbacks = {on_step, on_certificate, on_location,
	                                                    on_open, on_message,     on_end};
	struct t3ops_ws *ws = calloc(1, sizeof *ws);
	struct plugin_host *host = ctx->instance->host;
	struct t3ops_ws_open open;
	struct fetch_way way;

	if (!ws)
		return NULL;
	ws->instance = ctx->instance;
	plugin_struct_take(&ws->handler, sizeof ws->handler, h);
	plugin_struct_take(&open, sizeof open, o);
	ws->arg = arg;
	LIST_INSERT_HEAD(&ctx->instance->websockets, ws, link);
	ws->client = wsclient_open(plugin_host_process(host)->loop, &open,
	                           host_way(host, open.user, &way) ? &way : NULL, &callbacks, ws->handler.max_message,
	                           ws);
	if (ws->client)
		return ws;
	ws_free(ws);
	return NULL;
}

static int ws_send(struct t3ops_ctx *ctx, struct t3ops_ws *ws, int op, const void *data, size_t len)
{
	(void)ctx;
	return wsclient_send(ws->client, op, data, len);
}

static void ws_close(struct t3ops_ctx *ctx, struct t3ops_ws *ws, int code)
{
	(void)ctx;
	wsclient_close(ws->client, code);
	ws_free(ws);
}

static void carrier_set(struct t3ops_ctx *ctx, struct t3ops_leg *leg, struct t3ops_ws *ws)
{
	(void)ctx;
	leg_ws_forget(leg);
	if (ws->leg)
		ws->leg->carrier = NULL;
	ws->leg = leg;
	leg->carrier = ws;
}

void leg_ws_forget(struct t3ops_leg *leg)
{
	if (leg->carrier)
		leg->carrier->leg = NULL;
	leg->carrier = NULL;
}

bool leg_ws_asks(const struct t3ops_instance *i)
{
	const struct t3ops_ws *ws;

	LIST_FOREACH (ws, &i->websockets, link)
		if (!ws->leg)
			return true;
	return false;
}

bool leg_ws_acknowledged(const struct t3ops_ws *ws, bool *acknowledged)
{
	return wsclient_acknowledged(ws->client, acknowledged);
}

void leg_ws_services_fill(struct t3ops_host *s)
{
	s->ws_open = ws_open;
	s->ws_send = ws_send;
	s->ws_close = ws_close;
	s->leg_carrier = carrier_set;
}
