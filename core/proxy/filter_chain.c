/* SPDX-License-Identifier: MIT */
/* The plugins' turn; see chain.h. */
#include "proxy/filter_chain.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "proxy/local_response.h"
#include "proxy/client.h"
#include "proxy/rewrite.h"
#include "proxy/wsserver.h"

/* ---- ids ------------------------------------------------------------------------------------- */

static bool slots_grow(struct proxy *f)
{
	size_t n = f->n_slots > 0 ? 2 * f->n_slots : 64;
	struct request_slot *slots = realloc(f->slots, n * sizeof *slots);

	if (!slots)
		return false;
	memset(slots + f->n_slots, 0, (n - f->n_slots) * sizeof *slots);
	f->slots = slots;
	f->n_slots = n;
	return true;
}

bool filter_chain_register(struct exchange *x)
{
	struct proxy *f = x->proxy;
	size_t i = f->free_slot;

	while (i < f->n_slots && f->slots[i].exchange)
		i++;
	if (i == f->n_slots && !slots_grow(f))
		return false;
	f->free_slot = i + 1;
	f->slots[i].exchange = x;
	f->slots[i].generation++;
	x->id = (uint64_t)f->slots[i].generation << 32 | (uint32_t)(i + 1);
	return true;
}

static struct request_slot *slot_of(struct proxy *f, t3ops_request_id id)
{
	size_t i = (size_t)(id & UINT32_MAX);

	if (i == 0 || i > f->n_slots || f->slots[i - 1].generation != (uint32_t)(id >> 32) ||
	    !f->slots[i - 1].exchange)
		return NULL;
	return &f->slots[i - 1];
}

void filter_chain_forget(struct exchange *x)
{
	struct proxy *f = x->proxy;
	struct request_slot *slot = slot_of(f, x->id);

	if (slot) {
		slot->exchange = NULL;
		if ((size_t)(slot - f->slots) < f->free_slot)
			f->free_slot = (size_t)(slot - f->slots);
	}
	x->id = 0;
}

void filter_chain_free(struct proxy *f)
{
	free(f->slots);
	f->slots = NULL;
	f->n_slots = f->free_slot = 0;
}

/* ---- the turn ---------------------------------------------------------------------------------- */

const char *filter_chain_waits_for(const struct exchange *x)
{
	return x->next_plugin > 0 ? plugin_host_at(x->proxy->plugins, x->next_plugin - 1)->ctx.name : "";
}

/* One plugin; false: the chain stops here. */
static bool plugin_run(struct exchange *x, struct t3ops_instance *i)
{
	enum t3ops_next next;

	x->resumed = false;
	x->in_plugin = true;
	plugin_enter(i, "on_request");
	next = i->plugin.on_request(&i->ctx, x->id);
	plugin_leave(i);
	x->in_plugin = false;
	if (x->taken) {
		wsserver_begin(x);
		return false;
	}
	if (x->answered) {
		exchange_respond(x);
		return false;
	}
	if (next == T3OPS_WAIT && !x->resumed) {
		x->state = EXCHANGE_WAITING;
		client_deadline(x->client, x->proxy->conf.plugin_us);
		return false;
	}
	if (next == T3OPS_DONE) {
		log_line(LOG_L_ERROR, "plugin_bug", "plugin=%s reason=\"on_request says done but answered nothing\"",
		         i->ctx.name);
		local_response_explain(
		    x, 500,
		    &(struct explanation){.title = "Something went wrong here",
		                          .text = "A plugin of t3ops took the request and did not answer it."});
		exchange_respond(x);
		return false;
	}
	return true;
}

void filter_chain_run(struct exchange *x)
{
	struct plugin_host *plugins = x->proxy->plugins;

	x->state = EXCHANGE_PLUGINS;
	while (x->next_plugin < plugin_host_count(plugins)) {
		struct t3ops_instance *i = plugin_host_at(plugins, x->next_plugin++);

		if ((i->plugin.roles & T3OPS_ROLE_PROXY) && !plugin_run(x, i))
			return;
	}
	exchange_forward(x);
}

/* ---- services ------------------------------------------------------------------------------------ */

static struct proxy *proxy_of(struct t3ops_ctx *ctx)
{
	return plugin_host_process(ctx->instance->host)->state;
}

/* The exchange, while plugins may still act on it. */
static struct exchange *exchange_of(struct t3ops_ctx *ctx, t3ops_request_id r)
{
	struct request_slot *slot = slot_of(proxy_of(ctx), r);

	return slot && !slot->exchange->answered && !slot->exchange->taken ? slot->exchange : NULL;
}

/* A span of the client's input as a string: the separator behind it is not needed any more once the
 * head is parsed and judged. */
static const char *text_of(struct span s)
{
	char *end = (char *)(uintptr_t)(s.at + s.len);

	if (s.len == 0)
		return ""; /* nothing separates it from what follows */
	*end = '\0';
	return s.at;
}

static const char *request_method(struct t3ops_ctx *ctx, t3ops_request_id r)
{
	struct exchange *x = exchange_of(ctx, r);

	return x ? text_of(x->head.method) : NULL;
}

static const char *request_target(struct t3ops_ctx *ctx, t3ops_request_id r)
{
	struct exchange *x = exchange_of(ctx, r);

	return x ? text_of((struct span){x->path.at, (size_t)(x->head.target.at + x->head.target.len - x->path.at)})
	         : NULL;
}

static const char *request_header(struct t3ops_ctx *ctx, t3ops_request_id r, const char *name)
{
	struct exchange *x = exchange_of(ctx, r);
	const struct http_field *f = NULL;

	if (!x)
		return NULL;
	for (size_t i = x->n_edits; i-- > 0;)
		if (strcasecmp(x->edits[i].name, name) == 0)
			return x->edits[i].value;
	f = http_field_find(&x->head, name, 0);
	return f ? text_of(f->value) : NULL;
}

static bool request_is_upgrade(struct t3ops_ctx *ctx, t3ops_request_id r)
{
	struct exchange *x = exchange_of(ctx, r);

	return x && x->websocket;
}

static bool request_user(struct t3ops_ctx *ctx, t3ops_request_id r, struct t3ops_user *out)
{
	struct exchange *x = exchange_of(ctx, r);

	if (x && x->has_user)
		plugin_user(&x->user, out);
	return x && x->has_user;
}

static bool request_address(struct t3ops_ctx *ctx, t3ops_request_id r, char *out, size_t size)
{
	struct exchange *x = exchange_of(ctx, r);

	out[0] = '\0';
	if (x)
		client_address(x, out, size);
	return x != NULL;
}

static int request_set_header(struct t3ops_ctx *ctx, t3ops_request_id r, const char *name, const char *value)
{
	struct exchange *x = exchange_of(ctx, r);
	struct header_edit *edit = NULL;

	if (!x)
		return -ESTALE;
	if (!header_is_safe(name, value ? value : ""))
		return -EINVAL;
	for (size_t i = 0; i < x->n_edits; i++)
		if (strcasecmp(x->edits[i].name, name) == 0)
			edit = &x->edits[i];
	if (!edit && x->n_edits == HEADER_EDITS_MAX)
		return -ENOSPC;
	if (!edit)
		edit = &x->edits[x->n_edits++];
	free(edit->name);
	free(edit->value);
	edit->name = strdup(name);
	edit->value = value ? strdup(value) : NULL;
	if (!edit->name || (value && !edit->value))
		abort(); /* half an edit could send a stale cookie on */
	return 0;
}

static int request_add_response_header(struct t3ops_ctx *ctx, t3ops_request_id r, const char *name, const char *value)
{
	struct exchange *x = exchange_of(ctx, r);

	if (!x)
		return -ESTALE;
	if (!header_is_safe(name, value))
		return -EINVAL;
	if (!buf_printf(&x->extra, "%s: %s\r\n", name, value))
		return -ENOMEM;
	x->sets_cookie = x->sets_cookie || strcasecmp(name, "set-cookie") == 0;
	return 0;
}

/* The answer goes out when the callback that gave it has returned. */
static void answered(struct exchange *x)
{
	x->answered = true;
	if (!x->in_plugin)
		exchange_respond(x);
}

static int request_respond(struct t3ops_ctx *ctx, t3ops_request_id r, int status, const char *const *headers,
                           const void *body, size_t len)
{
	struct exchange *x = exchange_of(ctx, r);
	int error = x ? local_response_make(x, status, headers, body, len) : -ESTALE;

	if (error == 0)
		answered(x);
	return error;
}

static int request_explain(struct t3ops_ctx *ctx, t3ops_request_id r, int status, const char *title, const char *text)
{
	struct exchange *x = exchange_of(ctx, r);
	struct explanation why = {.title = title, .text = text, .retry_seconds = status == 503 ? RETRY_SECONDS : 0};
	int error = x ? local_response_explain(x, status, &why) : -ESTALE;

	if (error == 0)
		answered(x);
	return error;
}

static void request_resume(struct t3ops_ctx *ctx, t3ops_request_id r)
{
	struct exchange *x = exchange_of(ctx, r);

	if (!x)
		return;
	x->resumed = true;
	if (!x->in_plugin && x->state == EXCHANGE_WAITING)
		filter_chain_run(x);
}

/* RFC 6455 4.2.2, 4.4 */
static void handshake_refuse(struct exchange *x, int status)
{
	static const char *const version[] = {"content-type: text/plain; charset=utf-8", "upgrade: websocket",
	                                      "sec-websocket-version: 13", NULL};
	static const char *const key[] = {"content-type: text/plain; charset=utf-8", NULL};
	const char *text = status == 426 ? "WebSockets of version 13 are spoken here.\n"
	                                 : "Sec-WebSocket-Key is not 16 bytes in base64.\n";

	local_response_make(x, status, status == 426 ? version : key, text, strlen(text));
	answered(x);
}

static struct t3ops_ws *request_accept_ws(struct t3ops_ctx *ctx, t3ops_request_id r, const struct t3ops_ws_handler *h,
                                          void *arg)
{
	struct exchange *x = exchange_of(ctx, r);
	int refusal = x && x->websocket ? wsserver_check(&x->head) : 0;
	struct t3ops_ws *ws = x && x->websocket && refusal == 0 ? wsserver_new(x, ctx->instance, h, arg) : NULL;

	if (refusal != 0)
		handshake_refuse(x, refusal);
	if (!ws)
		return NULL;
	x->taken = true;
	if (!x->in_plugin)
		wsserver_begin(x);
	return ws;
}

void filter_chain_services_fill(struct t3ops_host *s)
{
	s->request_method = request_method;
	s->request_target = request_target;
	s->request_header = request_header;
	s->request_is_upgrade = request_is_upgrade;
	s->request_user = request_user;
	s->request_address = request_address;
	s->request_set_header = request_set_header;
	s->request_add_response_header = request_add_response_header;
	s->request_respond = request_respond;
	s->request_explain = request_explain;
	s->request_resume = request_resume;
	s->request_accept_ws = request_accept_ws;
	s->ws_send = wsserver_send;
	s->ws_close = wsserver_close;
}
