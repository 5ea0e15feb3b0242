/* SPDX-License-Identifier: MIT */
/* One request and its answer; see exchange.h. */
#include "proxy/exchange.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "proxy/local_response.h"
#include "proxy/filter_chain.h"
#include "proxy/client.h"
#include "proxy/identity.h"
#include "proxy/proxy_secret.h"
#include "proxy/public_path.h"
#include "proxy/response.h"
#include "proxy/rewrite.h"
#include "net/stream.h"

#define STARTING_US UINT64_C(2000000)

static const struct upstream_owner upstream_owner;

/* ---- the end, always here --------------------------------------------------------------------- */

static void exchange_free(struct exchange *x)
{
	filter_chain_forget(x);
	if (x->counted)
		quota_give(&x->proxy->user_requests, x->user.name);
	x->client->exchange = NULL;
	for (size_t i = 0; i < x->n_edits; i++) {
		free(x->edits[i].name);
		free(x->edits[i].value);
	}
	free(x->cookie);
	buf_fini(&x->extra);
	buf_fini(&x->local_response);
	free(x);
}

/* The answer is complete, or as complete as it gets. */
static void exchange_end(struct exchange *x, int status, bool keep_alive)
{
	struct client *c = x->client;
	size_t used = x->in_used;

	c->close_requested = c->close_requested && x->request.done;
	proxy_metrics_request(&x->proxy->metrics, status);
	exchange_free(x);
	client_next(c, used, keep_alive);
}

/* Nobody can be reported any more: cut the connection, so that half an answer is seen to be half. */
static void exchange_cut(struct exchange *x)
{
	struct client *c = x->client;

	if (x->up)
		upstream_close(x->up);
	if (x->head_sent && x->response.framing == HTTP_BODY_UNTIL_CLOSE)
		stream_break(c->wr.fd); /* nothing else tells half of it from the whole */
	proxy_metrics_request(&x->proxy->metrics, x->head_sent ? x->status : 0);
	exchange_free(x);
	client_free(c);
}

void exchange_take(struct exchange *x)
{
	proxy_metrics_request(&x->proxy->metrics, 101);
	exchange_free(x);
}

void exchange_respond(struct exchange *x)
{
	int status = x->local_status, r;
	bool keep_alive = x->keep_alive;

	x->state = EXCHANGE_RESPONDING;
	if (x->up) {
		upstream_close(x->up);
		x->up = NULL;
	}
	r = client_send(x->client, buf_at(&x->local_response), buf_len(&x->local_response));
	if (r < 0)
		exchange_cut(x);
	else
		exchange_end(x, status, keep_alive);
}

/* A refusal that an operator wants to see: of somebody who is signed in, or of an instance. */
static void refusal_emit(struct exchange *x, int status, const struct explanation *why)
{
	struct event e;

	event_init(&e, EVENT_REQUEST_REJECTED, PROCESS_PROXY);
	if (!throttle_passes(&x->proxy->throttle, x->identity, why->title, e.mono_us, &e.count))
		return;
	e.code = (uint16_t)status;
	event_set(e.user, x->identity);
	event_set(e.text, why->text);
	client_address(x, e.address, sizeof e.address);
	process_emit(x->proxy->process, &e);
}

/* The title is static: it says which refusals are of one kind. */
static void explain(struct exchange *x, int status, const struct explanation *why)
{
	if (x->identity[0] != '\0')
		refusal_emit(x, status, why);
	local_response_explain(x, status, why);
	exchange_respond(x);
}

/* ---- the beginning ------------------------------------------------------------------------------ */

void exchange_reject(struct client *c, enum reject_reason why)
{
	struct proxy *f = c->proxy;
	struct buf answer = {0};
	bool with_body = !c->exchange || !span_is(c->exchange->head.method, "HEAD");

	series_add(f->metrics.refused[why], 1);
	proxy_metrics_request(&f->metrics, reject_status(why));
	log_line(LOG_L_DEBUG, "gate", "reason=%s peer=%s", reject_label(why), c->peer);
	if (c->exchange) {
		if (c->exchange->up)
			upstream_close(c->exchange->up);
		exchange_free(c->exchange);
	}
	c->close_requested = false; /* something may still be on its way */
	local_response_reject(f, &answer, why, with_body);
	if (client_send(c, buf_at(&answer), buf_len(&answer)) < 0)
		client_free(c);
	else
		client_next(c, buf_len(&c->in), false);
	buf_fini(&answer);
}

bool exchange_is_navigation(const struct exchange *x)
{
	const struct http_field *dest = http_field_find(&x->head, "sec-fetch-dest", 0);
	const struct http_field *accept = http_field_find(&x->head, "accept", 0);

	if (!span_is(x->head.method, "GET") && !span_is(x->head.method, "HEAD"))
		return false;
	if (dest)
		return span_is_nocase(dest->value, "document");
	return accept && memmem(accept->value.at, accept->value.len, "text/html", 9);
}

/* The path begins the target, or follows the authority of an absolute form. */
static void path_find(struct exchange *x)
{
	struct span t = x->head.target;
	const char *end = t.at + t.len, *at = t.at, *query;

	if (t.len > 0 && t.at[0] != '/' && t.at[0] != '*') {
		at = memmem(t.at, t.len, "//", 2);
		at = at ? memchr(at + 2, '/', (size_t)(end - at - 2)) : end;
	}
	query = memchr(at, '?', (size_t)(end - at));
	x->path = (struct span){at, (size_t)((query ? query : end) - at)};
}

static void identity_ignored(struct exchange *x)
{
	struct event e;

	series_add(x->proxy->metrics.identity_ignored, 1);
	event_init(&e, EVENT_IDENTITY_IGNORED, PROCESS_PROXY);
	if (!throttle_passes(&x->proxy->throttle, x->client->peer, event_kind_name(EVENT_IDENTITY_IGNORED), e.mono_us,
	                     &e.count))
		return;
	event_set(e.address, x->client->peer);
	event_set(e.text, "add the peer to trusted_proxies if it is your proxy");
	process_emit(x->proxy->process, &e);
}

static enum reject_reason identify(struct exchange *x)
{
	const struct proxy_conf *conf = &x->proxy->conf;
	const struct user *user;

	switch (identity_find(&x->head, conf->identity_header, x->client->trusted, conf->strip_domain, x->identity)) {
	case IDENTITY_REFUSED:
		return REJECT_IDENTITY;
	case IDENTITY_IGNORED:
		identity_ignored(x);
		return REJECT_NONE;
	case IDENTITY_FOUND:
		if (path_is_public(x->path, conf->public_paths)) {
			x->identity[0] = '\0'; /* the client's own word */
			return REJECT_NONE;
		}
		if (conf->has_secret && !proxy_secret_is_shown(&x->head, conf->secret_header, conf->secret))
			return REJECT_PROXY_SECRET;
		user = users_find(x->proxy->users, x->identity);
		x->has_user = user != NULL;
		if (user)
			x->user = *user;
		return REJECT_NONE;
	default:
		return REJECT_NONE;
	}
}

static struct exchange *exchange_new(struct client *c, size_t head_len)
{
	struct exchange *x = malloc(sizeof *x);

	if (!x)
		return NULL;
	/* the table of fields is large and filled by the parser */
	memset(x, 0, offsetof(struct exchange, head));
	memset((char *)x + offsetof(struct exchange, head_len), 0, sizeof *x - offsetof(struct exchange, head_len));
	x->client = c;
	x->proxy = c->proxy;
	x->head_len = x->in_used = head_len;
	x->started_us = clock_mono_us();
	c->exchange = x;
	return x;
}

static void health_answer(struct exchange *x)
{
	const char *const headers[] = {"content-type: application/json", "cache-control: no-store", NULL};
	static const char body[] = "{\"status\":\"ok\"}\n";

	local_response_make(x, 200, headers, body, sizeof body - 1);
	exchange_respond(x);
}

/* As the final recipient of an OPTIONS that may go no further (RFC 9110 7.6.2). */
static void options_answer(struct exchange *x)
{
	const char *const headers[] = {"allow: GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS", NULL};

	local_response_make(x, 200, headers, "", 0);
	exchange_respond(x);
}

/* The page learns that it is refused, the operator which page that was. */
static void origin_refuse(struct exchange *x)
{
	const struct http_field *f = http_field_find(&x->head, "origin", 0);
	char text[160];

	series_add(x->proxy->metrics.refused[REJECT_ORIGIN], 1);
	if (f)
		snprintf(text, sizeof text,
		         "A page of another site (%.*s) may not open a WebSocket here. If it is yours, name it "
		         "in allowed_origins.",
		         f->value.len < 60 ? (int)f->value.len : 60, f->value.at);
	else
		event_copy(text, sizeof text,
		           "A WebSocket without an Origin needs a ticket or a bearer token of its own.");
	explain(x, 403, &(struct explanation){.title = "Not from there", .text = text});
}

void exchange_begin(struct client *c, size_t head_len)
{
	struct span raw = {buf_at(&c->in), head_len};
	struct exchange *x = exchange_new(c, head_len);
	enum reject_reason refusal;
	enum http_syntax syntax;

	if (!x) {
		client_free(c);
		return;
	}
	syntax = http_request_parse(&x->head, raw.at, raw.len);
	refusal = request_validate(&x->head, syntax, raw, c->proxy->conf.max_headers);
	if (refusal == REJECT_NONE) {
		path_find(x);
		refusal = identify(x);
	}
	if (refusal != REJECT_NONE) {
		exchange_reject(c, refusal);
		return;
	}
	/* plugins and instances look at one Cookie only (RFC 6265 5.4, RFC 9113 8.2.3) */
	if (!http_fields_join(&x->head, "cookie", "; ", &x->cookie)) {
		exchange_cut(x);
		return;
	}
	x->websocket = http_is_websocket(&x->head);
	x->origin = x->websocket ? origin_check(&x->head, c->proxy->conf.allowed_origins) : ORIGIN_OURS;
	c->close_requested = http_list_has(&x->head, "connection", "close");
	x->keep_alive = x->head.minor == 1 && !c->close_requested;
	x->request.framing = http_request_framing(&x->head, &x->request.left);
	x->request.done = x->request.framing == HTTP_BODY_NONE;
	if (span_is(x->path, "/healthz"))
		health_answer(x);
	else if (forwards_left(&x->head) == 0)
		options_answer(x);
	else if (x->origin == ORIGIN_FOREIGN)
		origin_refuse(x);
	else if (!filter_chain_register(x))
		exchange_cut(x);
	else
		filter_chain_run(x);
}

/* ---- to the instance -------------------------------------------------------------------------------- */

/* Asking twice does no harm (RFC 9110 9.2.1); nor does a second handshake of a WebSocket that never began. */
static bool is_safe(const struct exchange *x)
{
	return x->request.framing == HTTP_BODY_NONE &&
	       (span_is(x->head.method, "GET") || span_is(x->head.method, "HEAD") ||
	        span_is(x->head.method, "OPTIONS"));
}

/* An instance that could not be reached a moment ago is starting, and never answers what it accepts too
 * early: there is no use in waiting long before the second attempt. */
static uint64_t first_byte_us(const struct exchange *x)
{
	uint64_t limit_us = x->proxy->conf.first_byte_us;
	bool starting = is_safe(x) && !x->retried && upstream_was_failing(x->up);

	return starting && limit_us > STARTING_US ? STARTING_US : limit_us;
}

static void instance_failed(struct exchange *x, int error)
{
	struct explanation why = {.retry_seconds = RETRY_SECONDS, .since_us = upstream_outage(x->proxy, &x->user)};
	const char *name = x->user.name, *host = x->user.host;
	unsigned port = x->user.port;
	char text[320];
	int status;

	series_add(x->proxy->metrics.upstream_failures, 1);
	why.text = text;
	if (error == -ETIMEDOUT) {
		status = is_safe(x) ? 503 : 504;
		why.title = "Your instance does not answer";
		snprintf(text, sizeof text,
		         "The t3 instance of %s (%s port %u) accepts connections but does not answer. "
		         "It may be starting or stalled.",
		         name, host, port);
	} else if (error == -ECONNRESET || error == -EPIPE || error == -EPROTO) {
		status = 502;
		why.title = "Your instance broke the connection";
		snprintf(text, sizeof text,
		         "The t3 instance of %s (%s port %u) broke the connection before it answered.", name, host,
		         port);
	} else {
		status = 503;
		why.title = "Your instance is not running";
		snprintf(text, sizeof text,
		         "The t3 instance of %s (%s port %u) cannot be reached: %s. It is probably not "
		         "running, or is being restarted.",
		         name, host, port, strerror(-error));
	}
	explain(x, status, &why);
}

/* Sends the head, and what of the body came with it. */
static void request_start(struct exchange *x, bool reuse)
{
	struct buf *head = &x->proxy->head;
	int r;

	x->state = EXCHANGE_CONNECTING;
	x->up_seen = 0;
	x->up = upstream_get(x->proxy, &x->user, reuse, &upstream_owner, x);
	if (!x->up) {
		instance_failed(x, -errno);
		return;
	}
	buf_clear(head);
	r = rewrite_request(x, head) ? upstream_send(x->up, buf_at(head), buf_len(head)) : -ENOMEM;
	if (r < 0) {
		response_lost(x, r);
		return;
	}
	client_deadline(x->client, x->proxy->conf.connect_us);
	if (!x->up->connecting) {
		x->state = EXCHANGE_AWAITING;
		client_deadline(x->client, first_byte_us(x));
	}
	request_early_feed(x);
}

/* One user's share: an instance has little to spare, and the others' tunnels live here, too. */
static bool quota_allows(struct exchange *x)
{
	struct proxy *f = x->proxy;

	if (quota_is_used_up(&f->user_requests, x->user.name, f->conf.max_user_requests) ||
	    (x->websocket && quota_is_used_up(&f->user_tunnels, x->user.name, f->conf.max_user_tunnels))) {
		series_add(f->metrics.refused[REJECT_QUOTA], 1);
		explain(x, 429,
		        &(struct explanation){.title = "Too much at once",
		                              .retry_seconds = RETRY_SECONDS,
		                              .text = "You have as many requests or open pages under way as this "
		                                      "server allows. Close some of them."});
		return false;
	}
	x->counted = quota_take(&f->user_requests, x->user.name);
	return true;
}

void exchange_forward(struct exchange *x)
{
	if (x->has_user && x->origin == ORIGIN_ABSENT) {
		origin_refuse(x);
		return;
	}
	if (x->has_user) {
		if (quota_allows(x))
			request_start(x, is_safe(x) && !x->websocket);
		return;
	}
	if (x->identity[0] != '\0' && !users_are_known(x->proxy->users))
		explain(x, 503,
		        &(struct explanation){.title = "The user table cannot be read",
		                              .retry_seconds = RETRY_SECONDS,
		                              .text = "You are signed in, but this server cannot report which t3 "
		                                      "instance is yours: the user table cannot be "
		                                      "read. Its operator finds the line at fault in the log."});
	else if (x->identity[0] != '\0')
		explain(x, 403,
		        &(struct explanation){.title = "No instance for you here",
		                              .text = "You are signed in, but your account has no t3 instance on "
		                                      "this server. Ask its operator to add you to "
		                                      "the user table."});
	else
		explain(x, 403,
		        &(struct explanation){.title = "Who are you?",
		                              .text = "This request did not come through the sign-in of this site, "
		                                      "so there is no telling whose t3 instance "
		                                      "it is meant for."});
}

/* Over before the answer began: once more on a fresh connection where that is safe. */
void response_lost(struct exchange *x, int error)
{
	bool reused = x->up->reused, untouched = buf_len(&x->up->in) == 0, connecting = x->up->connecting;

	upstream_close(x->up);
	x->up = NULL;
	if (x->head_sent) {
		series_add(x->proxy->metrics.upstream_failures, 1);
		exchange_cut(x);
		return;
	}
	if (is_safe(x) && untouched && !x->retried && (reused || error == -ETIMEDOUT) && !connecting) {
		x->retried = true;
		series_add(x->proxy->metrics.upstream_retries, 1);
		request_start(x, false);
		return;
	}
	instance_failed(x, error);
}

static void on_connected(void *arg)
{
	struct exchange *x = arg;

	x->state = EXCHANGE_AWAITING;
	client_deadline(x->client, x->request.done ? first_byte_us(x) : x->proxy->conf.body_us);
	if (buf_len(&x->up->out) == 0 && exchange_wants_body(x))
		ev_io_start(x->proxy->loop, &x->client->rd);
}

static void on_drained(void *arg)
{
	struct exchange *x = arg;

	if (exchange_wants_body(x))
		ev_io_start(x->proxy->loop, &x->client->rd);
}

static void on_failed(void *arg, int error)
{
	response_lost(arg, error);
}

static void on_readable(void *arg)
{
	response_read(arg);
}

static const struct upstream_owner upstream_owner = {
    .connected = on_connected, .readable = on_readable, .drained = on_drained, .failed = on_failed};

/* ---- from the client --------------------------------------------------------------------------------- */

void exchange_client_drained(struct exchange *x)
{
	if (x->up && !x->up->connecting)
		response_resume(x);
}

void exchange_client_gone(struct exchange *x)
{
	exchange_cut(x);
}

/* Nothing came: from the client the rest of the body, or from the instance an answer, unless it is still busy
 * taking that body. */
static void awaiting_timeout(struct exchange *x)
{
	if (upstream_is_taking(x->up))
		client_deadline(x->client, x->proxy->conf.body_us);
	else if (!x->request.done && buf_len(&x->up->out) == 0)
		exchange_reject(x->client, REJECT_TIMEOUT);
	else
		response_lost(x, -ETIMEDOUT);
}

void exchange_timeout(struct exchange *x)
{
	char text[128];

	switch (x->state) {
	case EXCHANGE_WAITING:
		snprintf(text, sizeof text, "A part of t3ops (%s) did not finish in time.",
		         filter_chain_waits_for(x));
		explain(x, 503,
		        &(struct explanation){
		            .title = "That took too long", .text = text, .retry_seconds = RETRY_SECONDS});
		break;
	case EXCHANGE_AWAITING:
		awaiting_timeout(x);
		break;
	case EXCHANGE_CONNECTING:
		response_lost(x, -EHOSTUNREACH);
		break;
	default:
		exchange_cut(x);
	}
}

/* Ends a relayed exchange; called by response.c when the answer is complete. */
void response_done(struct exchange *x)
{
	bool keep_alive = x->keep_alive && x->request.done && x->response.framing != HTTP_BODY_UNTIL_CLOSE;
	struct upstream *up = x->up;

	x->up = NULL;
	if (x->up_keep_alive && x->request.done && x->response.framing != HTTP_BODY_UNTIL_CLOSE)
		upstream_put(up);
	else
		upstream_close(up);
	exchange_end(x, x->status, keep_alive);
}
