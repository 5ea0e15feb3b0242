/* SPDX-License-Identifier: MIT */
/* What t3ops responds to an exchange itself; see exchange_local.h. */
#include "proxy/exchange_local.h"

#include <stdio.h>
#include <string.h>

#include "proxy/access_log.h"
#include "proxy/public_path.h"
#include "proxy/worker.h"

/* Somebody whom the trusted proxy signed in is turned away: its operator has to know. */
static bool is_identity_fault(enum reject_reason why)
{
	return why >= REJECT_IDENTITY_TWICE && why <= REJECT_IDENTITY_ENCODING;
}

/* Of a head that is too large for anybody to have read it whole. */
static bool is_browsers(const struct client *c)
{
	return memmem(buf_at(&c->in), buf_len(&c->in), "text/html", strlen("text/html")) != NULL;
}

void exchange_reject_client(struct client *c, enum reject_reason why, bool with_body)
{
	struct worker *worker = c->worker;
	struct buf *out = &worker->head;
	uint64_t left_out;

	series_add(worker->metrics.refused[why], 1);
	proxy_metrics_request(&worker->metrics, reject_status(why));
	if (throttle_passes(&worker->throttle, c->peer.address, reject_label(why), clock_mono_us(), &left_out))
		log_write(is_identity_fault(why) ? LOG_L_WARNING : LOG_L_INFO, "request_invalid",
		          kv_reason(reject_label(why)), kv_peer(c->peer.address), kv_error(reject_sentence(why)),
		          kv_suppressed((int64_t)left_out));
	c->close_requested = false; /* something may still be on its way */
	buf_clear(out);
	local_response_reject(out, &worker->date, why, with_body, is_browsers(c));
	if (client_send(c, buf_at(out), buf_len(out)) < 0)
		client_close(c);
	else
		client_next(c, buf_len(&c->in), false);
}

void exchange_reject(struct exchange *x, enum reject_reason why)
{
	struct client *c = x->client;
	bool with_body = !span_is(x->request.head.method, "HEAD");

	exchange_blame(x, why == REJECT_TIMEOUT ? BLAME_CLIENT_LATE : BLAME_PROXY);
	exchange_record(x, reject_status(why), reject_label(why));
	exchange_free(x);
	exchange_reject_client(c, why, with_body);
}

void exchange_local_send(struct exchange *x)
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

int exchange_local_make(struct exchange *x, int status, const char *const *headers, const void *body, size_t len)
{
	return local_response_make(&x->local, &x->request, &x->worker->date, may_keep_alive(x), status, headers, body,
	                           len);
}

int exchange_local_explain(struct exchange *x, const struct explanation *why)
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
	event_set(e.address, x->request.address);
	process_emit(x->worker->process, &e);
}

/* A trusted proxy is meant to sign everybody in: that it names nobody is its operator's to know. */
static void unidentified_report(struct exchange *x)
{
	const struct request *r = &x->request;
	struct span name = x->worker->conf.identity.name;
	struct event e;

	event_init(&e, EVENT_REQUEST_REJECTED, PROCESS_PROXY);
	if (r->peer.trust != PEER_TRUSTED || path_is_public(r->path, x->worker->conf.public_paths) ||
	    !throttle_passes(&x->worker->throttle, r->peer.address, "unidentified", e.mono_us, &e.count))
		return;
	e.code = 403;
	snprintf(e.text, sizeof e.text, "the trusted proxy at %s sent no %.*s", r->peer.address, (int)name.len,
	         name.at);
	event_set(e.address, r->address);
	process_emit(x->worker->process, &e);
}

void exchange_refuse_unidentified(struct exchange *x)
{
	unidentified_report(x);
	exchange_blame(x, BLAME_PROXY);
	exchange_local_explain(x, &explanation_signed_out);
	exchange_local_send(x);
}

void exchange_refuse(struct exchange *x, const struct explanation *why)
{
	exchange_blame(x, BLAME_PROXY);
	if (x->request.identity[0] != '\0')
		refusal_emit(x, why);
	exchange_local_explain(x, why);
	exchange_local_send(x);
}

void exchange_refuse_origin(struct exchange *x)
{
	const struct http_field *f = http_field_find(&x->request.head, "origin", 0);
	char text[EXPLANATION_TEXT_SIZE];
	struct explanation why = explain_origin(f ? f->value.at : NULL, f ? f->value.len : 0, text);

	series_add(x->worker->metrics.refused[REJECT_ORIGIN], 1);
	exchange_refuse(x, &why);
}

void exchange_cut_late(struct exchange *x, enum cut_option option)
{
	struct proxy_metrics *m = &x->worker->metrics;
	struct event e;

	exchange_blame(x, client_pending(x->client) > 0 ? BLAME_CLIENT_LATE : BLAME_SERVER_LATE);
	series_add(m->cut[option], 1);
	event_init(&e, EVENT_REQUEST_CUT, PROCESS_PROXY);
	if (throttle_passes(&x->worker->throttle, x->request.identity, cut_option_name(option), e.mono_us,
	                    &e.count)) {
		e.code = (uint16_t)x->response.status;
		event_set(e.user, x->request.identity);
		snprintf(e.text, sizeof e.text, "%s passed while %s", cut_option_name(option),
		         client_pending(x->client) > 0 ? "the client took nothing of its response"
		                                       : "the t3 server sent nothing more of its response");
		event_set(e.address, x->request.address);
		process_emit(x->worker->process, &e);
	}
	exchange_cut(x);
}

void exchange_respond_health(struct exchange *x)
{
	const char *const headers[] = {"content-type: application/json", "cache-control: no-store", NULL};
	const char *const methods[] = {"allow: GET, HEAD, OPTIONS", "cache-control: no-store", NULL};
	static const char body[] = "{\"status\":\"ok\"}\n";
	const struct span method = x->request.head.method;

	exchange_blame(x, BLAME_LOCAL);
	if (span_is(method, "GET") || span_is(method, "HEAD"))
		exchange_local_make(x, 200, headers, body, sizeof body - 1);
	else
		exchange_local_make(x, span_is(method, "OPTIONS") ? 200 : 405, methods, "", 0);
	exchange_local_send(x);
}

void exchange_respond_options(struct exchange *x)
{
	const char *const headers[] = {"allow: GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS", NULL};

	exchange_blame(x, BLAME_LOCAL);
	exchange_local_make(x, 200, headers, "", 0);
	exchange_local_send(x);
}
