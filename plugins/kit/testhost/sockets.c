/* SPDX-License-Identifier: MIT */
/* WebSockets, both sides: the test is the other end. */
#include <errno.h>
#include <string.h>

#include "clock.h"
#include "fetches.h"
#include "sockets.h"
#include "plugin_host/plugin_struct.h"

#define TIMEOUT_US  UINT64_C(10000000)
#define MAX_MESSAGE 4096

struct t3ops_ws {
	struct testhost_due due; /* first: what ends an attempt */
	struct testhost *h;
	struct t3ops_ws_open asked;
	struct t3ops_ws_handler handler;
	void *arg;
	uint32_t step;
	bool is_server, ended;
};

/* ---- ends ------------------------------------------------------------------------------------------------ */

static void ws_finish(struct t3ops_ws *ws)
{
	testhost_due_stop(ws->h, &ws->due);
	ws->ended = true;
}

static void ws_fail(struct t3ops_ws *ws, uint32_t reason, int code, const char *text)
{
	struct t3ops_ws_end end = {
	    .struct_size = sizeof end, .step = ws->step, .reason = reason, .code = code, .text = text};

	if (ws->ended)
		testhost_die(ws->h, "the test uses a WebSocket that has ended");
	ws_finish(ws);
	ws->handler.on_end(&ws->h->ctx, ws, &end, ws->arg);
}

void testhost_ws_end(struct t3ops_ws *ws, uint32_t reason, int code)
{
	ws_fail(ws, reason, code, "");
}

/* The attempt took too long, or its name does not resolve. */
static void on_limit(struct testhost *h, struct testhost_due *d)
{
	struct t3ops_ws *ws = (struct t3ops_ws *)d;
	bool resolves = testhost_url_resolves(h, ws->asked.url);

	ws_fail(ws,
	        !resolves                     ? T3OPS_R_DNS
	        : ws->step == T3OPS_STEP_HTTP ? T3OPS_R_HTTP_TIMEOUT
	                                      : T3OPS_R_CONNECT_TIMEOUT,
	        0, resolves ? "no answer in time" : "the name does not resolve");
}

/* ---- what the test does ---------------------------------------------------------------------------------- */

struct t3ops_ws *testhost_ws(struct testhost *h)
{
	for (size_t i = h->sockets.n; i-- > 0;) {
		struct t3ops_ws *ws = h->sockets.items[i];

		if (!ws->ended)
			return ws;
	}
	return NULL;
}

const struct t3ops_ws_open *testhost_ws_asked(const struct t3ops_ws *ws)
{
	return &ws->asked;
}

void testhost_ws_step(struct t3ops_ws *ws, uint32_t step)
{
	if (ws->ended || step <= ws->step)
		testhost_die(ws->h, "the test says step %u after %u, or of a WebSocket that has ended", step,
		             ws->step);
	ws->step = step;
	if (ws->handler.on_step != NULL)
		ws->handler.on_step(&ws->h->ctx, ws, step, ws->arg);
}

void testhost_ws_accept(struct t3ops_ws *ws)
{
	if (ws->step < T3OPS_STEP_HTTP)
		testhost_ws_step(ws, T3OPS_STEP_HTTP);
	if (ws->ended)
		return; /* closed in there */
	testhost_due_stop(ws->h, &ws->due);
	ws->step = T3OPS_STEP_OPEN;
	if (ws->handler.on_open != NULL)
		ws->handler.on_open(&ws->h->ctx, ws, ws->arg);
}

void testhost_ws_receive(struct t3ops_ws *ws, int op, const void *data, size_t len)
{
	if (ws->ended || ws->step != T3OPS_STEP_OPEN)
		testhost_die(ws->h, "the test sends on a WebSocket that is not open");
	if (len > ws->handler.max_message)
		ws_fail(ws, T3OPS_R_PROTOCOL, 1009, "a message that is too large");
	else if (ws->handler.on_message != NULL)
		ws->handler.on_message(&ws->h->ctx, ws, op, data, len, ws->arg);
}

size_t testhost_ws_sent(const struct testhost *h)
{
	return h->sent.n;
}

const struct testhost_message *testhost_ws_sent_at(const struct testhost *h, size_t i)
{
	return i < h->sent.n ? h->sent.items[i] : NULL;
}

int testhost_ws_close_code(const struct testhost *h)
{
	return h->close_code;
}

/* ---- services -------------------------------------------------------------------------------------------- */

static struct t3ops_ws *ws_new(struct testhost *h, const struct t3ops_ws_handler *handler, void *arg)
{
	struct t3ops_ws *ws = testhost_alloc(h, sizeof *ws);

	ws->h = h;
	ws->arg = arg;
	ws->due.fire = on_limit;
	plugin_struct_take(&ws->handler, sizeof ws->handler, handler);
	if (ws->handler.on_end == NULL)
		testhost_die(h, "a WebSocket's handler without on_end");
	if (ws->handler.max_message == 0)
		ws->handler.max_message = MAX_MESSAGE;
	testhost_list_add(&h->sockets, ws);
	return ws;
}

struct t3ops_ws *testhost_ws_server(struct testhost *h, const struct t3ops_ws_handler *handler, void *arg)
{
	struct t3ops_ws *ws = ws_new(h, handler, arg);

	ws->is_server = true;
	ws->step = T3OPS_STEP_OPEN;
	return ws;
}

static struct t3ops_ws *ws_open(struct t3ops_ctx *ctx, const struct t3ops_ws_open *o,
                                const struct t3ops_ws_handler *handler, void *arg)
{
	struct testhost *h = testhost_of(ctx);
	struct t3ops_ws *ws = ws_new(h, handler, arg);

	plugin_struct_take(&ws->asked, sizeof ws->asked, o);
	ws->asked.struct_size = sizeof ws->asked;
	ws->asked.url = testhost_keep(h, ws->asked.url);
	ws->asked.connect_to = testhost_keep(h, ws->asked.connect_to);
	ws->asked.interface = testhost_keep(h, ws->asked.interface);
	ws->asked.ca_file = testhost_keep(h, ws->asked.ca_file);
	ws->asked.headers = testhost_keep_list(h, ws->asked.headers);
	ws->asked.user = ws->asked.user != NULL ? testhost_keep(h, ws->asked.user) : NULL;
	ws->asked.timeout_us = ws->asked.timeout_us != 0 ? ws->asked.timeout_us : TIMEOUT_US;
	ws->step = T3OPS_STEP_DNS;
	testhost_due_set(h, &ws->due, testhost_url_resolves(h, ws->asked.url) ? ws->asked.timeout_us : 0);
	return ws;
}

static int ws_send(struct t3ops_ctx *ctx, struct t3ops_ws *ws, int op, const void *data, size_t len)
{
	struct testhost *h = testhost_of(ctx);
	struct testhost_message *m;

	if (ws->ended) {
		testhost_bug(h, "ws_send on a WebSocket that is gone");
		return -EPIPE;
	}
	if (ws->step != T3OPS_STEP_OPEN)
		return -ENOTCONN;
	m = testhost_alloc(h, sizeof *m);
	*m = (struct testhost_message){op, testhost_keep_bytes(h, data, len), len};
	testhost_list_add(&h->sent, m);
	return 0;
}

static void ws_close(struct t3ops_ctx *ctx, struct t3ops_ws *ws, int code)
{
	if (ws->ended)
		testhost_bug(testhost_of(ctx), "ws_close of a WebSocket that is gone");
	testhost_of(ctx)->close_code = code;
	ws_finish(ws);
}

static uint64_t ws_waited_us(struct t3ops_ctx *ctx, struct t3ops_ws *ws)
{
	(void)ctx, (void)ws;
	return 0;
}

static const char *probe_key(struct t3ops_ctx *ctx)
{
	(void)ctx;
	return "testhost";
}

void testhost_sockets_fill(struct t3ops_host *s)
{
	s->ws_open = ws_open;
	s->ws_send = ws_send;
	s->ws_close = ws_close;
	s->ws_waited_us = ws_waited_us;
	s->probe_key = probe_key;
}

size_t testhost_sockets_release(struct testhost *h)
{
	struct t3ops_ws *ws;
	size_t left = 0;

	while ((ws = testhost_ws(h)) != NULL) {
		ws_finish(ws);
		left++;
	}
	return left;
}
