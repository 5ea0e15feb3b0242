/* SPDX-License-Identifier: MIT */
/* One request and its response, told from top to bottom; see exchange.h. */
#include "proxy/exchange.h"

#include <errno.h>

#include "net/stream.h"
#include "proxy/access_log.h"
#include "proxy/exchange_local.h"
#include "proxy/browser_reports.h"
#include "proxy/my_page.h"
#include "proxy/recheck.h"
#include "proxy/rewrite.h"
#include "proxy/tunnel.h"
#include "proxy/worker.h"
#include "proxy/wsserver.h"

/* The steps, in this order.  Each ends in a later one, in waiting for one of the callbacks, or in one of the ends
 * of exchange_state.h and exchange_local.h; x may be gone when it returns. */
static void identity_known(struct exchange *x);
static void exchange_begin(struct exchange *x);
static void filters_run(struct exchange *x);
static void filters_handle(struct exchange *x, enum filter_result result);
static bool quota_allows(struct exchange *x);
static void exchange_forward(struct exchange *x);
static void upstream_start(struct exchange *x, bool reuse);
static void unauthorized_handle(struct exchange *x);
static void request_early_pass(struct exchange *x);
static void response_handle(struct exchange *x, enum response_result result);
static void response_done(struct exchange *x);
static void upstream_lost(struct exchange *x, int error);
static void upstream_failed(struct exchange *x, int error);
static void tunnel_begin(struct exchange *x);
static void websocket_begin(struct exchange *x);

/* ---- a request comes ----------------------------------------------------------------------------- */

/* A user who loads a document has left the page that was open before. */
static void navigation_report(const struct request *r, struct worker *worker)
{
	struct event e;

	if (!r->has_user || !request_is_navigation(r) ||
	    !navigation_is_news(&worker->navigations, r->user.name, r->started_us))
		return;
	event_init(&e, EVENT_NAVIGATION, PROCESS_PROXY);
	event_set(e.user, r->user.name);
	event_set(e.address, r->address);
	if (request_is_over_http2(r))
		event_set(e.text, "over HTTP/2");
	process_emit_quietly(worker->process, &e);
}

static void memory_lacks(struct exchange *x)
{
	exchange_blame(x, BLAME_PROXY);
	exchange_cut(x);
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
	why = request_read(r, worker, &c->peer, (struct span){buf_at(&c->in), head_len});
	if (why != REJECT_NONE)
		exchange_reject(x, why);
	else if (!request_cookies_join(r))
		memory_lacks(x);
	else if (span_is(r->path, "/healthz"))
		exchange_respond_health(x);
	else if (request_forwards_left(r) == 0)
		exchange_respond_options(x);
	else if (r->origin == ORIGIN_FOREIGN)
		exchange_refuse_origin(x);
	else if (!(x->filters.request = request_ids_add(&worker->exchanges->ids, x)))
		memory_lacks(x);
	else if (r->identity[0] != '\0') /* also one that no user has: who proves nothing does not learn which are */
		filters_run(x);
	else
		identity_known(x);
}

/* It is from whom the header says, or the header names nobody. */
static void identity_known(struct exchange *x)
{
	filter_chain_begin(&x->filters, FILTER_ON_REQUEST);
	if (my_page_is_asked(x))
		my_page_begin(x);
	else if (browser_reports_is_asked(x))
		browser_reports_begin(x);
	else {
		navigation_report(&x->request, x->worker);
		browser_reports_offer(x);
		exchange_begin(x);
	}
}

/* Its t3 server answers now, or cannot be reached. */
static void on_released(void *arg, int error)
{
	struct exchange *x = arg;

	if (error == 0)
		filters_run(x);
	else
		upstream_failed(x, error);
}

/* A plugin may ask the t3 server, too, so that a request is held before its turn. */
static void exchange_begin(struct exchange *x)
{
	const struct request *r = &x->request;

	if (!r->has_user || !readiness_hold(x->worker->readiness, &r->user, &x->held, on_released, x))
		filters_run(x);
	else if (quota_allows(x))
		exchange_set_state(x, EXCHANGE_HELD);
}

/* What is not even a request. */
static void on_rejected(struct client *c, enum reject_reason why)
{
	access_log_unread(c->worker, &c->peer, why);
	exchange_reject_client(c, why, true);
}

/* ---- the plugins' turn --------------------------------------------------------------------------- */

static void filters_run(struct exchange *x)
{
	exchange_set_state(x, EXCHANGE_FILTERING);
	filters_handle(x, filter_chain_run(&x->filters));
}

/* The t3 server refused it, and the plugins have had their turn: its 401 is passed on if they left it alone, else the
 * request goes there once more, changed as they want. */
static void unauthorized_forward(struct exchange *x)
{
	if (x->up) {
		exchange_set_state(x, EXCHANGE_AWAITING);
		response_handle(x, response_resume(&x->response));
	} else {
		upstream_start(x, false);
	}
}

/* What came of the plugins' turn. */
static void filters_handle(struct exchange *x, enum filter_result result)
{
	switch (result) {
	case FILTER_FORWARD:
		if (x->filters.hook == FILTER_ON_IDENTITY)
			identity_known(x);
		else if (x->filters.hook == FILTER_ON_UNAUTHORIZED)
			unauthorized_forward(x);
		else
			exchange_forward(x);
		break;
	case FILTER_WAITING:
		exchange_set_state(x, EXCHANGE_WAITING);
		break;
	case FILTER_ANSWERED:
		exchange_blame(x, BLAME_LOCAL);
		exchange_local_send(x);
		break;
	case FILTER_TAKEN:
		websocket_begin(x);
		break;
	case FILTER_UNANSWERED:
		exchange_refuse(x, &explanation_plugin_bug);
	}
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
	int error = exchange_local_make(x, status, headers, body, len);

	if (error == 0)
		filters_mark(x, FILTER_MARK_ANSWERED);
	return error;
}

int exchange_explain(struct exchange *x, const struct explanation *why)
{
	int error = exchange_local_explain(x, why);

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

/* ---- to the t3 server ----------------------------------------------------------------------------- */

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

	if (!r->has_user && r->identity[0] == '\0')
		exchange_refuse_unidentified(x);
	else if (!r->has_user)
		exchange_refuse(x, users_are_known(x->worker->users) ? &explanation_no_user : &explanation_no_table);
	else if (r->origin == ORIGIN_ABSENT)
		exchange_refuse_origin(x);
	else if (x->counted || quota_allows(x))
		upstream_start(x, request_is_safe(r) && !r->websocket);
}

/* Sends the head, and what of the body came with it. */
static void upstream_start(struct exchange *x, bool reuse)
{
	struct worker *worker = x->worker;
	struct buf *head = &worker->head;
	int r;

	x->up = upstream_get(worker->upstreams, &x->request.user, reuse, &exchange_upstream_owner, x);
	if (!x->up) {
		upstream_failed(x, -errno);
		return;
	}
	x->response = (struct response){.worker = worker,
	                                .request = &x->request,
	                                .client = x->client,
	                                .up = x->up,
	                                .keep_alive = x->request.keep_alive,
	                                .holds_unauthorized = x->filters.hook == FILTER_ON_REQUEST &&
	                                                      request_is_repeatable(&x->request)};
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

static void on_connected(void *arg)
{
	exchange_set_state(arg, EXCHANGE_AWAITING);
}

/* ---- the request's body --------------------------------------------------------------------------- */

/* Passes on what belongs to the body; how much that was, or -1: x is gone. */
static ssize_t request_body_pass(struct exchange *x, const char *bytes, size_t n)
{
	size_t take = body_take(&x->request.body, bytes, n);
	int r;

	x->bytes_up += take;
	if (body_is_bad(&x->request.body)) {
		exchange_blame_in(x, BLAME_PROXY, PHASE_REQUEST);
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

	if (x->report) {
		browser_reports_readable(x);
		return;
	}
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

static void on_upstream_drained(void *arg)
{
	exchange_watch(arg);
}

/* ---- the response ---------------------------------------------------------------------------------- */

static void on_upstream_readable(void *arg)
{
	struct exchange *x = arg;

	response_handle(x, response_read(&x->response));
}

static void on_client_written(void *request)
{
	struct exchange *x = request;

	exchange_watch(x);
	if (x->state == EXCHANGE_AWAITING && client_pending(x->client) == 0 && buf_len(&x->up->in) > 0)
		response_handle(x, response_resume(&x->response));
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
	case RESPONSE_UNAUTHORIZED:
		unauthorized_handle(x);
		break;
	case RESPONSE_MORE:
		if (x->response.head_sent)
			exchange_set_state(x, EXCHANGE_RELAYING);
		else if (client_pending(x->client) > 0) /* an interim response waits for the client */
			exchange_watch(x);
	}
}

/* The plugins may know better than its 401. */
static void unauthorized_handle(struct exchange *x)
{
	enum filter_result result;

	exchange_set_state(x, EXCHANGE_FILTERING);
	filter_chain_begin(&x->filters, FILTER_ON_UNAUTHORIZED);
	result = filter_chain_run(&x->filters);
	if (result != FILTER_FORWARD || x->filters.resumed)
		exchange_drop_upstream(x);
	filters_handle(x, result);
}

static void response_done(struct exchange *x)
{
	bool whole = x->request.body.done && x->response.body.framing != HTTP_BODY_UNTIL_CLOSE;

	if (whole && x->response.reusable && !x->request.websocket) {
		upstream_put(x->up);
		x->up = NULL;
	}
	exchange_end(x, x->response.status, whole && x->response.keep_alive);
}

/* ---- no response ------------------------------------------------------------------------------------ */

static void upstream_failed(struct exchange *x, int error)
{
	const struct user *user = &x->request.user;
	uint64_t since_us = upstream_outage(x->worker->upstreams, user);
	char text[EXPLANATION_TEXT_SIZE];
	struct explanation why = explain_upstream(user, error, request_is_safe(&x->request), since_us, text);

	why.verdict = verdict_words_of(&x->worker->verdict_words, x->worker->process->channel, user->name);
	series_add(x->worker->metrics.upstream_failures, 1);
	exchange_blame_in(x, error == -ETIMEDOUT || error == -EHOSTUNREACH ? BLAME_SERVER_LATE : BLAME_SERVER,
	                  x->state == EXCHANGE_AWAITING ? PHASE_HEAD : PHASE_CONNECTION);
	exchange_refuse(x, &why);
}

/* Over too early: once more on a fresh connection if nobody can have read it.  Whatever else it may mean, a request
 * is never executed twice. */
static void upstream_lost(struct exchange *x, int error)
{
	bool untouched = buf_len(&x->up->in) == 0 && x->state != EXCHANGE_CONNECTING;
	bool unread = untouched && x->up->reused && upstream_is_unread(x->up, error);

	exchange_drop_upstream(x);
	if (x->response.head_sent) {
		series_add(x->worker->metrics.upstream_failures, 1);
		exchange_blame(x, error == -ETIMEDOUT ? BLAME_SERVER_LATE : BLAME_SERVER);
		exchange_cut(x);
	} else if (request_is_repeatable(&x->request) && unread && !x->retried) {
		x->retried = true;
		series_add(x->worker->metrics.upstream_retries, 1);
		upstream_start(x, false);
	} else {
		upstream_failed(x, error);
	}
}

static void on_upstream_failed(void *arg, int error)
{
	upstream_lost(arg, error);
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
	struct explanation why;

	if (x->asks_monitor) {
		my_page_timeout(x);
		return;
	}
	if (x->report) {
		browser_reports_timeout(x);
		return;
	}
	why = explain_plugin_timeout(filter_chain_waits_for(&x->filters), text);
	exchange_refuse(x, &why);
}

/* A response without an announced length may pause for as long as both ends are there. */
static void relaying_timeout(struct exchange *x)
{
	bool streams = exchange_is_streaming(x);

	if (streams && x->worker->conf.stream_us == 0) {
		stream_watch_peer(x->client->rd.fd);
		stream_watch_peer(x->up->rd.fd);
		return; /* what comes next sets a limit again */
	}
	exchange_cut_late(x, streams                   ? CUT_STREAM_TIMEOUT
	                     : x->request.limit_us > 0 ? CUT_PATH_TIMEOUTS
	                                               : CUT_BODY_TIMEOUT);
}

static void on_client_timeout(void *request)
{
	struct exchange *x = request;

	switch (x->state) {
	case EXCHANGE_HELD:
		upstream_failed(x, -ETIMEDOUT);
		break;
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
		relaying_timeout(x);
	}
}

static void on_client_gone(void *request)
{
	exchange_cut(request);
}

/* ---- the connection goes on as something else --------------------------------------------------------- */

/* The 101 is queued for the client, and perhaps more came with it from either side. */
static void tunnel_begin(struct exchange *x)
{
	struct worker *worker = x->worker;
	struct client *c = x->client;
	struct span cookie = request_cookie(&x->request), early = exchange_early_bytes(x);
	struct tunnel_start start = {.head_bytes = client_pending(c)};
	struct t3ops_browser browser;
	bool ok = buf_add(&start.to_upstream, early.at, early.len) &&
	          buf_add(&c->out, buf_at(&x->up->in), buf_len(&x->up->in));

	start.to_client = c->out;
	c->out = (struct buf){0};
	event_set(start.user, x->request.user.name);
	event_set(start.address, x->request.address);
	request_colo(&x->request, start.colo);
	request_browser(&x->request, &browser);
	start.session = recheck_session_make(worker->recheck, &browser, cookie.at, cookie.len);
	start.upstream_fd = upstream_detach(x->up);
	x->up = NULL;
	start.client_fd = exchange_detach(x);
	tunnel_open(worker, &start, ok);
}

/* A plugin took it. */
static void websocket_begin(struct exchange *x)
{
	struct t3ops_ws *ws = x->ws;

	wsserver_begin(ws, exchange_detach(x));
}

/* ---- who calls ----------------------------------------------------------------------------------------- */

const struct upstream_owner exchange_upstream_owner = {.connected = on_connected,
                                                       .readable = on_upstream_readable,
                                                       .drained = on_upstream_drained,
                                                       .failed = on_upstream_failed};

const struct client_owner exchange_client_owner = {.request = on_request,
                                                   .rejected = on_rejected,
                                                   .readable = on_client_readable,
                                                   .written = on_client_written,
                                                   .gone = on_client_gone,
                                                   .timed_out = on_client_timeout};
