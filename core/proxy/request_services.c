/* SPDX-License-Identifier: MIT */
/* What plugins can do with a request; see request_services.h. */
#include "proxy/request_services.h"

#include <errno.h>
#include <string.h>

#include "plugin_host/plugin_struct.h"
#include "proxy/exchange.h"
#include "proxy/worker.h"
#include "proxy/wsserver.h"

static struct worker *worker_of(struct t3ops_ctx *ctx)
{
	return plugin_host_process(ctx->instance->host)->state;
}

/* The exchange, while plugins may still act on it. */
static struct exchange *exchange_of(struct t3ops_ctx *ctx, t3ops_request_id r)
{
	return exchange_find(worker_of(ctx)->exchanges, r);
}

/* The exchange, while plugins may still decide about it. */
static struct exchange *undecided_of(struct t3ops_ctx *ctx, t3ops_request_id r)
{
	struct exchange *x = exchange_of(ctx, r);

	return x && exchange_is_undecided(x) ? x : NULL;
}

/* ---- reading ------------------------------------------------------------------------------------ */

/* A span of the client's input as a string: the separator behind it is not needed any more once the
 * head is parsed and validated. */
static const char *text_of(struct span s)
{
	char *end = (char *)(uintptr_t)(s.at + s.len);

	if (s.len == 0)
		return ""; /* nothing separates it from what follows */
	*end = '\0';
	return s.at;
}

static const char *method_get(struct t3ops_ctx *ctx, t3ops_request_id r)
{
	struct exchange *x = exchange_of(ctx, r);

	return x ? text_of(x->request.head.method) : NULL;
}

static const char *target_get(struct t3ops_ctx *ctx, t3ops_request_id r)
{
	struct exchange *x = exchange_of(ctx, r);

	return x ? text_of(request_target(&x->request)) : NULL;
}

static const char *header_get(struct t3ops_ctx *ctx, t3ops_request_id r, const char *name)
{
	struct exchange *x = exchange_of(ctx, r);
	const struct header_edit *edit = x ? request_edit_find(&x->request, span_of(name)) : NULL;
	const struct http_field *f = x && !edit ? http_field_find(&x->request.head, name, 0) : NULL;

	if (edit)
		return edit->value;
	return f ? text_of(f->value) : NULL;
}

static const char *header_nth_get(struct t3ops_ctx *ctx, t3ops_request_id r, const char *name, size_t nth)
{
	struct exchange *x = exchange_of(ctx, r);
	const struct http_head *h = x ? &x->request.head : NULL;
	const struct http_field *f = h ? http_field_find(h, name, 0) : NULL;

	for (; f && nth > 0; nth--)
		f = http_field_find(h, name, (size_t)(f - h->fields) + 1);
	return f ? text_of(f->value) : NULL;
}

static bool is_upgrade(struct t3ops_ctx *ctx, t3ops_request_id r)
{
	struct exchange *x = exchange_of(ctx, r);

	return x && x->request.websocket;
}

static bool user_get(struct t3ops_ctx *ctx, t3ops_request_id r, struct t3ops_user *out)
{
	struct exchange *x = exchange_of(ctx, r);

	if (x && x->request.has_user)
		plugin_user_give(&x->request.user, out);
	return x && x->request.has_user;
}

static bool is_of(struct t3ops_ctx *ctx, t3ops_request_id r, const char *identity)
{
	struct exchange *x = exchange_of(ctx, r);

	return x && request_is_of(&x->request, x->worker, identity);
}

static bool address_get(struct t3ops_ctx *ctx, t3ops_request_id r, char *out, size_t size)
{
	struct exchange *x = exchange_of(ctx, r);

	event_copy(out, size, x ? x->request.address : "");
	return x != NULL;
}

static uint32_t site_get(struct t3ops_ctx *ctx, t3ops_request_id r)
{
	struct exchange *x = exchange_of(ctx, r);

	return x ? request_site(&x->request, x->worker) : T3OPS_SITE_UNKNOWN;
}

static bool browser_get(struct t3ops_ctx *ctx, t3ops_request_id r, struct t3ops_browser *out)
{
	struct exchange *x = exchange_of(ctx, r);
	struct t3ops_browser known;

	if (!x)
		return false;
	request_browser(&x->request, &known);
	plugin_struct_give(out, &known, sizeof known);
	return true;
}

/* ---- changing ----------------------------------------------------------------------------------- */

static int header_set(struct t3ops_ctx *ctx, t3ops_request_id r, const char *name, const char *value)
{
	struct exchange *x = exchange_of(ctx, r);

	if (!x)
		return -ESTALE;
	return header_is_safe(name, value ? value : "") ? request_edit(&x->request, name, value) : -EINVAL;
}

static int response_header_add(struct t3ops_ctx *ctx, t3ops_request_id r, const char *name, const char *value)
{
	struct exchange *x = exchange_of(ctx, r);

	if (!x)
		return -ESTALE;
	return header_is_safe(name, value) ? request_extra_add(&x->request, name, value) : -EINVAL;
}

/* ---- deciding ----------------------------------------------------------------------------------- */

static int respond(struct t3ops_ctx *ctx, t3ops_request_id r, int status, const char *const *headers,
                   const void *body, size_t len)
{
	struct exchange *x = undecided_of(ctx, r);

	return x ? exchange_respond(x, status, headers, body, len) : -ESTALE;
}

static int explain(struct t3ops_ctx *ctx, t3ops_request_id r, const struct t3ops_page *page)
{
	struct exchange *x = undecided_of(ctx, r);
	struct t3ops_page known;

	plugin_struct_take(&known, sizeof known, page);
	if (!x)
		return -ESTALE;
	return exchange_explain(x, &(struct explanation){.status = known.status,
	                                                 .title = known.title,
	                                                 .text = known.text,
	                                                 .retry_seconds = known.retry_s,
	                                                 .link_target = known.link_target,
	                                                 .link_text = known.link_text});
}

static void resume(struct t3ops_ctx *ctx, t3ops_request_id r)
{
	struct exchange *x = undecided_of(ctx, r);

	if (x)
		exchange_resume(x);
}

/* RFC 6455 4.2.2, 4.4 */
static void handshake_refuse(struct exchange *x, int status)
{
	static const char *const version[] = {"content-type: text/plain; charset=utf-8", "upgrade: websocket",
	                                      "sec-websocket-version: 13", NULL};
	static const char *const key[] = {"content-type: text/plain; charset=utf-8", NULL};
	const char *text = status == 426 ? "Only version 13 of the WebSocket protocol is supported.\n"
	                                 : "Sec-WebSocket-Key is not 16 bytes in base64.\n";

	exchange_respond(x, status, status == 426 ? version : key, text, strlen(text));
}

static struct t3ops_ws *ws_accept(struct t3ops_ctx *ctx, t3ops_request_id r, const struct t3ops_ws_handler *h,
                                  void *arg)
{
	struct exchange *x = undecided_of(ctx, r);
	struct wsserver_start start;
	struct t3ops_ws *ws;
	int refusal;

	if (!x || !x->request.websocket)
		return NULL;
	refusal = wsserver_check(&x->request.head);
	if (refusal != 0) {
		handshake_refuse(x, refusal);
		return NULL;
	}
	start = (struct wsserver_start){.head = &x->request.head,
	                                .extra = {buf_at(&x->request.extra), buf_len(&x->request.extra)},
	                                .early = exchange_early_bytes(x)};
	ws = wsserver_new(x->worker, ctx->instance, &start, h, arg);
	if (ws)
		exchange_take(x, ws);
	return ws;
}

/* As for the core's own limits (proxy_conf.c): the kernel deals out connections evenly, more or less. */
static int64_t share_of(struct t3ops_ctx *ctx, int64_t limit)
{
	int64_t workers = plugin_host_process(ctx->instance->host)->config->core.workers;

	return (limit + workers - 1) / workers;
}

void request_services_fill(struct t3ops_host *s)
{
	s->request_method = method_get;
	s->request_target = target_get;
	s->request_header = header_get;
	s->request_header_nth = header_nth_get;
	s->request_is_upgrade = is_upgrade;
	s->request_user = user_get;
	s->request_is_of = is_of;
	s->request_address = address_get;
	s->request_site = site_get;
	s->request_browser = browser_get;
	s->request_set_header = header_set;
	s->request_add_response_header = response_header_add;
	s->request_respond = respond;
	s->request_explain = explain;
	s->request_resume = resume;
	s->request_accept_ws = ws_accept;
	s->ws_send = wsserver_send;
	s->ws_close = wsserver_close;
	s->ws_waited_us = wsserver_waited_us;
	s->share_of = share_of;
}
