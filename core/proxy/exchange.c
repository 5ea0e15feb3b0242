/* SPDX-License-Identifier: MIT */
/* One request and its response; see exchange.h. */
#include "proxy/exchange.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "net/stream.h"
#include "proxy/recheck.h"
#include "proxy/rewrite.h"
#include "proxy/tunnel.h"
#include "proxy/worker.h"
#include "proxy/wsserver.h"

#define STARTING_US UINT64_C(2000000)

/* ---- state and watchers ------------------------------------------------------------------------- */

/* A t3 server that could not be reached a moment ago is starting, and never answers what it accepts too early:
 * there is no use in waiting long before the second attempt. */
static uint64_t first_byte_us(const struct exchange *x)
{
	uint64_t limit_us = x->worker->conf.first_byte_us;
	bool starting = request_is_safe(&x->request) && !x->retried && upstream_was_failing(x->up);

	return starting && limit_us > STARTING_US ? STARTING_US : limit_us;
}

static uint64_t limit_us(const struct exchange *x)
{
	const struct proxy_conf *conf = &x->worker->conf;

	switch (x->state) {
	case EXCHANGE_WAITING:
		return conf->plugin_us;
	case EXCHANGE_CONNECTING:
		return conf->connect_us;
	case EXCHANGE_AWAITING:
		return x->request.body.done ? first_byte_us(x) : conf->body_us;
	default:
		return conf->body_us;
	}
}

/* The one place that decides who is read, and how long is waited: called when the state has changed, or something
 * has moved on.  Each side is read as far as the other side takes it. */
static void exchange_watch(struct exchange *x)
{
	bool connected = x->state == EXCHANGE_AWAITING || x->state == EXCHANGE_RELAYING;

	client_want_body(x->client, connected && !x->request.body.done && upstream_pending(x->up) == 0);
	if (connected)
		upstream_want_input(x->up, client_pending(x->client) == 0);
	client_deadline(x->client, limit_us(x));
}

static void exchange_set_state(struct exchange *x, enum exchange_state state)
{
	x->state = state;
	exchange_watch(x);
}

/* ---- the end ------------------------------------------------------------------------------------- */

static void upstream_drop(struct exchange *x)
{
	if (x->up)
		upstream_close(x->up);
	x->up = NULL;
}

static void exchange_free(struct exchange *x)
{
	struct exchanges *all = x->worker->exchanges;

	request_ids_remove(&all->ids, x->filters.request);
	if (x->counted)
		quota_give(&all->users, x->request.user.name);
	upstream_drop(x);
	local_response_fini(&x->local);
	request_fini(&x->request);
	free(x);
}

/* The response is complete. */
static void exchange_end(struct exchange *x, int status, bool keep_alive)
{
	struct client *c = x->client;
	size_t used = x->in_used;

	c->close_requested = x->request.close_requested && x->request.body.done;
	proxy_metrics_request(&x->worker->metrics, status);
	exchange_free(x);
	client_next(c, used, keep_alive);
}

/* There is no telling the client any more: cut the connection, so that half a response is seen to be half. */
static void exchange_cut(struct exchange *x)
{
	struct client *c = x->client;
	bool head_sent = x->response.head_sent;

	if (head_sent && x->response.body.framing == HTTP_BODY_UNTIL_CLOSE)
		stream_break(c->wr.fd); /* nothing else tells half of it from the whole */
	proxy_metrics_request(&x->worker->metrics, head_sent ? x->response.status : 0);
	exchange_free(x);
	client_close(c);
}

/* The client's connection goes on as something else; what of its input is not ours stays with the caller. */
static int exchange_detach(struct exchange *x)
{
	struct client *c = x->client;

	proxy_metrics_request(&x->worker->metrics, 101);
	exchange_free(x);
	return client_detach(c);
}

/* ---- responses of our own ---------------------------------------------------------------------------- */

/* Whatever its request was: the client sent something that is none, or too little of it. */
static void client_reject(struct client *c, enum reject_reason why, bool with_body)
{
	struct worker *worker = c->worker;
	struct buf *out = &worker->head;

	series_add(worker->metrics.refused[why], 1);
	proxy_metrics_request(&worker->metrics, reject_status(why));
	log_write(LOG_L_DEBUG, "request_invalid", kv_reason(reject_label(why)), kv_peer(c->peer));
	c->close_requested = false; /* something may still be on its way */
	buf_clear(out);
	local_response_reject(out, &worker->date, why, with_body);
	if (client_send(c, buf_at(out), buf_len(out)) < 0)
		client_close(c);
	else
		client_next(c, buf_len(&c->in), false);
}

static void exchange_reject(struct exchange *x, enum reject_reason why)
{
	struct client *c = x->client;
	bool with_body = !span_is(x->request.head.method, "HEAD");

	exchange_free(x);
	client_reject(c, why, with_body);
}

/* x->local leaves. */
static void local_response_send(struct exchange *x)
{
	int status = x->local.status;
	bool keep_alive = x->local.keep_alive;

	if (client_send(x->client, buf_at(&x->local.bytes), buf_len(&x->local.bytes)) < 0)
		exchange_cut(x);
	else
		exchange_end(x, status, keep_alive);
}

/* Not if its body is not going to be read. */
static bool may_keep_alive(const struct exchange *x)
{
	return x->request.keep_alive && x->request.body.done && !x->worker->draining;
}

static int local_make(struct exchange *x, int status, const char *const *headers, const void *body, size_t len)
{
	return local_response_make(&x->local, &x->request, &x->worker->date, may_keep_alive(x), status, headers, body,
	                           len);
}

static int local_explain(struct exchange *x, const struct explanation *why)
{
	return local_response_explain(&x->local, &x->request, &x->worker->date, may_keep_alive(x), why);
}

/* What an operator wants to see: somebody who is signed in is refused, or a t3 server fails. */
static void refusal_emit(struct exchange *x, const struct explanation *why)
{
	struct event e;

	event_init(&e, EVENT_REQUEST_REJECTED, PROCESS_PROXY);
	if (!throttle_passes(&x->worker->throttle, x->request.identity, why->title, e.mono_us, &e.count))
		return;
	e.code = (uint16_t)why->status;
	event_set(e.user, x->request.identity);
	event_set(e.text, why->text);
	request_address(&x->request, e.address, sizeof e.address);
	process_emit(x->worker->process, &e);
}

static void exchange_refuse(struct exchange *x, const struct explanation *why)
{
	if (x->request.identity[0] != '\0')
		refusal_emit(x, why);
	local_explain(x, why);
	local_response_send(x);
}

/* The page learns that it is refused, the operator which page that was. */
static void origin_refuse(struct exchange *x)
{
	const struct http_field *f = http_field_find(&x->request.head, "origin", 0);
	char text[EXPLANATION_TEXT_SIZE];
	struct explanation why = explain_origin(f ? f->value.at : NULL, f ? f->value.len : 0, text);

	series_add(x->worker->metrics.refused[REJECT_ORIGIN], 1);
	exchange_refuse(x, &why);
}

static void health_respond(struct exchange *x)
{
	const char *const headers[] = {"content-type: application/json", "cache-control: no-store", NULL};
	static const char body[] = "{\"status\":\"ok\"}\n";

	local_make(x, 200, headers, body, sizeof body - 1);
	local_response_send(x);
}

/* As the final recipient of an OPTIONS that may go no further (RFC 9110 7.6.2). */
static void options_respond(struct exchange *x)
{
	const char *const headers[] = {"allow: GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS", NULL};

	local_make(x, 200, headers, "", 0);
	local_response_send(x);
}

/* ---- the response of the t3 server --------------------------------------------------------------------- */

static void upstream_start(struct exchange *x, bool reuse);

static void upstream_failed(struct exchange *x, int error)
{
	const struct user *user = &x->request.user;
	uint64_t since_us = upstream_outage(x->worker->upstreams, user);
	char text[EXPLANATION_TEXT_SIZE];
	struct explanation why = explain_upstream(user, error, request_is_safe(&x->request), since_us, text);

	series_add(x->worker->metrics.upstream_failures, 1);
	exchange_refuse(x, &why);
}

/* Over too early: once more on a fresh connection where that is safe. */
static void upstream_lost(struct exchange *x, int error)
{
	bool untouched = buf_len(&x->up->in) == 0 && x->up->state == UPSTREAM_IN_USE;
	bool stale = x->up->reused || error == -ETIMEDOUT;

	upstream_drop(x);
	if (x->response.head_sent) {
		series_add(x->worker->metrics.upstream_failures, 1);
		exchange_cut(x);
	} else if (request_is_safe(&x->request) && untouched && stale && !x->retried) {
		x->retried = true;
		series_add(x->worker->metrics.upstream_retries, 1);
		upstream_start(x, false);
	} else {
		upstream_failed(x, error);
	}
}

static void response_done(struct exchange *x)
{
	bool whole = x->request.body.done && x->response.body.framing != HTTP_BODY_UNTIL_CLOSE;

	if (whole && x->response.reusable) {
		upstream_put(x->up);
		x->up = NULL;
	}
	exchange_end(x, x->response.status, whole && x->response.keep_alive);
}

/* The 101 is queued for the client, and perhaps more came with it from either side. */
static void tunnel_begin(struct exchange *x)
{
	struct worker *worker = x->worker;
	struct client *c = x->client;
	struct span cookie = request_cookie(&x->request), early = exchange_early_bytes(x);
	struct tunnel_start start = {.head_bytes = client_pending(c)};
	bool ok = buf_add(&start.to_upstream, early.at, early.len) &&
	          buf_add(&c->out, buf_at(&x->up->in), buf_len(&x->up->in));

	start.to_client = c->out;
	c->out = (struct buf){0};
	event_set(start.user, x->request.user.name);
	request_address(&x->request, start.address, sizeof start.address);
	request_colo(&x->request, start.colo, sizeof start.colo);
	start.session = recheck_session_copy(worker->recheck, cookie.at, cookie.len);
	start.upstream_fd = upstream_detach(x->up);
	x->up = NULL;
	start.client_fd = exchange_detach(x);
	tunnel_open(worker, &start, ok);
}

static void response_handle(struct exchange *x, enum response_result result)
{
	switch (result) {
	case RESPONSE_DONE:
		response_done(x);
		break;
	case RESPONSE_LOST:
		upstream_lost(x, x->response.error);
		break;
	case RESPONSE_CLIENT_GONE:
		exchange_cut(x);
		break;
	case RESPONSE_UPGRADED:
		tunnel_begin(x);
		break;
	case RESPONSE_MORE:
		if (x->response.head_sent)
			exchange_set_state(x, EXCHANGE_RELAYING);
		else if (client_pending(x->client) > 0) /* an interim response waits for the client */
			exchange_watch(x);
	}
}

/* ---- the request's body ---------------------------------------------------------------------------------- */

/* Passes on what belongs to the body; how much that was, or -1: x is gone. */
static ssize_t request_body_pass(struct exchange *x, const char *bytes, size_t n)
{
	size_t take = body_take(&x->request.body, bytes, n);
	int r;

	if (body_is_bad(&x->request.body)) {
		if (x->response.head_sent)
			exchange_cut(x);
		else
			exchange_reject(x, REJECT_CHUNK);
		return -1;
	}
	r = take > 0 ? upstream_send(x->up, bytes, take) : 0;
	if (r < 0 && x->state == EXCHANGE_CONNECTING) {
		upstream_lost(x, r);
		return -1;
	}
	if (r < 0) /* the t3 server may have responded early and closed: its response decides */
		x->response.keep_alive = false;
	return (ssize_t)take;
}

/* What of it came along with the head; x may be gone then. */
static void request_early_pass(struct exchange *x)
{
	struct span early = exchange_early_bytes(x);
	ssize_t take;

	if (x->request.body.done || early.len == 0)
		return;
	take = request_body_pass(x, early.at, early.len);
	if (take >= 0)
		x->in_used += (size_t)take;
}

static void on_client_readable(void *request)
{
	struct exchange *x = request;
	struct body *body = &x->request.body;
	char *scratch = x->worker->scratch;
	size_t size = SCRATCH_BYTES;
	ssize_t n, take;

	if (body->framing == HTTP_BODY_LENGTH && body->left < size)
		size = (size_t)body->left;
	n = client_read(x->client, scratch, size);
	if (n == -EAGAIN)
		return;
	if (n <= 0) { /* the rest of the body will never come */
		exchange_cut(x);
		return;
	}
	take = request_body_pass(x, scratch, (size_t)n);
	if (take < 0)
		return;
	if (take < n)
		buf_add(&x->client->readahead, scratch + take, (size_t)(n - take));
	exchange_watch(x);
}

/* ---- to the t3 server ---------------------------------------------------------------------------------- */

static void on_connected(void *arg)
{
	exchange_set_state(arg, EXCHANGE_AWAITING);
}

static void on_upstream_readable(void *arg)
{
	struct exchange *x = arg;

	response_handle(x, response_read(&x->response));
}

static void on_upstream_drained(void *arg)
{
	exchange_watch(arg);
}

static void on_upstream_failed(void *arg, int error)
{
	upstream_lost(arg, error);
}

static const struct upstream_owner upstream_owner = {.connected = on_connected,
                                                     .readable = on_upstream_readable,
                                                     .drained = on_upstream_drained,
                                                     .failed = on_upstream_failed};

/* Sends the head, and what of the body came with it. */
static void upstream_start(struct exchange *x, bool reuse)
{
	struct worker *worker = x->worker;
	struct buf *head = &worker->head;
	int r;

	x->up = upstream_get(worker->upstreams, &x->request.user, reuse, &upstream_owner, x);
	if (!x->up) {
		upstream_failed(x, -errno);
		return;
	}
	x->response = (struct response){.worker = worker,
	                                .request = &x->request,
	                                .client = x->client,
	                                .up = x->up,
	                                .keep_alive = x->request.keep_alive};
	buf_clear(head);
	r = rewrite_request(&x->request, &worker->conf, head) ? upstream_send(x->up, buf_at(head), buf_len(head))
	                                                      : -ENOMEM;
	if (r < 0) {
		upstream_lost(x, r);
		return;
	}
	exchange_set_state(x, x->up->state == UPSTREAM_CONNECTING ? EXCHANGE_CONNECTING : EXCHANGE_AWAITING);
	request_early_pass(x);
}

/* One user's share: a t3 server has little to spare, and the others' tunnels live here, too. */
static bool quota_allows(struct exchange *x)
{
	struct worker *worker = x->worker;
	const struct proxy_conf *conf = &worker->conf;
	const char *user = x->request.user.name;

	if (quota_is_used_up(&worker->exchanges->users, user, conf->max_user_requests) ||
	    (x->request.websocket && quota_is_used_up(&worker->tunnels->users, user, conf->max_user_tunnels))) {
		series_add(worker->metrics.refused[REJECT_QUOTA], 1);
		exchange_refuse(x, &explanation_quota);
		return false;
	}
	x->counted = quota_take(&worker->exchanges->users, user);
	return true;
}

/* Nobody answered: to the user's t3 server, if there is one. */
static void exchange_forward(struct exchange *x)
{
	const struct request *r = &x->request;

	if (!r->has_user)
		exchange_refuse(x, r->identity[0] == '\0'              ? &explanation_signed_out
		                   : users_are_known(x->worker->users) ? &explanation_no_user
		                                                       : &explanation_no_table);
	else if (r->origin == ORIGIN_ABSENT)
		origin_refuse(x);
	else if (quota_allows(x))
		upstream_start(x, request_is_safe(r) && !r->websocket);
}

/* ---- the plugins ------------------------------------------------------------------------------------------ */

/* A plugin took it. */
static void websocket_begin(struct exchange *x)
{
	struct t3ops_ws *ws = x->ws;

	wsserver_begin(ws, exchange_detach(x));
}

/* What came of the plugins' turn. */
static void filters_handle(struct exchange *x, enum filter_result result)
{
	switch (result) {
	case FILTER_FORWARD:
		exchange_forward(x);
		break;
	case FILTER_WAITING:
		exchange_set_state(x, EXCHANGE_WAITING);
		break;
	case FILTER_ANSWERED:
		local_response_send(x);
		break;
	case FILTER_TAKEN:
		websocket_begin(x);
		break;
	case FILTER_UNANSWERED:
		exchange_refuse(x, &explanation_plugin_bug);
	}
}

static void filters_run(struct exchange *x)
{
	exchange_set_state(x, EXCHANGE_FILTERING);
	filters_handle(x, filter_chain_run(&x->filters));
}

/* A plugin decided: in its turn that is read when it returns. */
static void filters_mark(struct exchange *x, enum filter_mark mark)
{
	x->filters.mark = mark;
	if (x->state != EXCHANGE_WAITING)
		return;
	if (mark == FILTER_MARK_RESUMED)
		filters_run(x);
	else
		filters_handle(x, mark == FILTER_MARK_TAKEN ? FILTER_TAKEN : FILTER_ANSWERED);
}

struct exchange *exchange_find(const struct exchanges *all, t3ops_request_id id)
{
	struct exchange *x = request_ids_find(&all->ids, id);
	bool decided = x && (x->filters.mark == FILTER_MARK_ANSWERED || x->filters.mark == FILTER_MARK_TAKEN);

	return decided ? NULL : x;
}

bool exchange_is_undecided(const struct exchange *x)
{
	return x->state == EXCHANGE_FILTERING || x->state == EXCHANGE_WAITING;
}

int exchange_respond(struct exchange *x, int status, const char *const *headers, const void *body, size_t len)
{
	int error = local_make(x, status, headers, body, len);

	if (error == 0)
		filters_mark(x, FILTER_MARK_ANSWERED);
	return error;
}

int exchange_explain(struct exchange *x, const struct explanation *why)
{
	int error = local_explain(x, why);

	if (error == 0)
		filters_mark(x, FILTER_MARK_ANSWERED);
	return error;
}

void exchange_resume(struct exchange *x)
{
	filters_mark(x, FILTER_MARK_RESUMED);
}

void exchange_take(struct exchange *x, struct t3ops_ws *ws)
{
	x->ws = ws;
	filters_mark(x, FILTER_MARK_TAKEN);
}

struct span exchange_early_bytes(const struct exchange *x)
{
	const struct buf *in = &x->client->in;

	return (struct span){buf_at(in) + x->in_used, buf_len(in) - x->in_used};
}

/* ---- from the client ---------------------------------------------------------------------------------- */

static struct exchange *exchange_new(struct client *c, size_t head_len)
{
	struct exchange *x = malloc(sizeof *x);
	struct worker *worker = c->worker;

	if (!x)
		return NULL;
	memset(x, 0, offsetof(struct exchange, request.head)); /* which is large, and filled by the parser */
	x->client = c;
	x->worker = worker;
	x->in_used = head_len;
	x->filters.plugins = worker->plugins;
	c->request = x;
	return x;
}

static void on_request(struct client *c, size_t head_len)
{
	struct worker *worker = c->worker;
	struct exchange *x = exchange_new(c, head_len);
	struct request *r;
	enum reject_reason why;

	if (!x) {
		client_close(c);
		return;
	}
	r = &x->request;
	why = request_read(r, worker, (struct request_peer){c->peer, c->trusted},
	                   (struct span){buf_at(&c->in), head_len});
	if (why != REJECT_NONE)
		exchange_reject(x, why);
	else if (!request_cookies_join(r))
		exchange_cut(x);
	else if (span_is(r->path, "/healthz"))
		health_respond(x);
	else if (request_forwards_left(r) == 0)
		options_respond(x);
	else if (r->origin == ORIGIN_FOREIGN)
		origin_refuse(x);
	else if (!(x->filters.request = request_ids_add(&worker->exchanges->ids, x)))
		exchange_cut(x);
	else
		filters_run(x);
}

/* What is not even a request. */
static void on_rejected(struct client *c, enum reject_reason why)
{
	client_reject(c, why, true);
}

static void on_client_written(void *request)
{
	struct exchange *x = request;

	exchange_watch(x);
	if (x->state == EXCHANGE_AWAITING && client_pending(x->client) == 0 && buf_len(&x->up->in) > 0)
		response_handle(x, response_resume(&x->response));
}

static void on_client_gone(void *request)
{
	exchange_cut(request);
}

/* Nothing came: from the client the rest of the body, or from the t3 server a response, unless it is still busy
 * taking that body. */
static void awaiting_timeout(struct exchange *x)
{
	if (upstream_is_taking(x->up))
		exchange_watch(x);
	else if (!x->request.body.done && upstream_pending(x->up) == 0)
		exchange_reject(x, REJECT_TIMEOUT);
	else
		upstream_lost(x, -ETIMEDOUT);
}

static void waiting_timeout(struct exchange *x)
{
	char text[EXPLANATION_TEXT_SIZE];
	struct explanation why = explain_plugin_timeout(filter_chain_waits_for(&x->filters), text);

	exchange_refuse(x, &why);
}

static void on_client_timeout(void *request)
{
	struct exchange *x = request;

	switch (x->state) {
	case EXCHANGE_WAITING:
		waiting_timeout(x);
		break;
	case EXCHANGE_CONNECTING:
		upstream_lost(x, -EHOSTUNREACH);
		break;
	case EXCHANGE_AWAITING:
		awaiting_timeout(x);
		break;
	default:
		exchange_cut(x);
	}
}

const struct client_owner exchange_client_owner = {.request = on_request,
                                                   .rejected = on_rejected,
                                                   .readable = on_client_readable,
                                                   .written = on_client_written,
                                                   .gone = on_client_gone,
                                                   .timed_out = on_client_timeout};

/* ---- all of them -------------------------------------------------------------------------------------- */

struct exchanges *exchanges_new(void)
{
	return calloc(1, sizeof(struct exchanges));
}

void exchanges_free(struct exchanges *all)
{
	if (!all)
		return;
	request_ids_fini(&all->ids);
	quota_fini(&all->users);
	free(all);
}
