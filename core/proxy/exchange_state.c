/* SPDX-License-Identifier: MIT */
/* The state of an exchange; see exchange_state.h. */
#include "proxy/exchange_state.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "net/stream.h"
#include "proxy/access_log.h"
#include "proxy/report_intake.h"
#include "proxy/worker.h"

/* ---- state and watchers ------------------------------------------------------------------------- */

bool exchange_is_streaming(const struct exchange *x)
{
	return x->state == EXCHANGE_RELAYING && x->response.streams && x->request.body.done &&
	       client_pending(x->client) == 0;
}

static uint64_t usual_us(const struct exchange *x)
{
	const struct proxy_conf *conf = &x->worker->conf;

	switch (x->state) {
	case EXCHANGE_HELD:
		return conf->first_byte_us;
	case EXCHANGE_WAITING:
		return conf->plugin_us;
	case EXCHANGE_CONNECTING:
		return conf->connect_us;
	case EXCHANGE_AWAITING:
		return x->request.body.done ? conf->first_byte_us : conf->body_us;
	case EXCHANGE_RELAYING:
		return exchange_is_streaming(x) && conf->stream_us > 0 ? conf->stream_us : conf->body_us;
	default:
		return conf->body_us;
	}
}

/* A path may have its own of those that bound how long a t3 server takes. */
static uint64_t limit_us(const struct exchange *x)
{
	bool is_servers = x->state == EXCHANGE_AWAITING ||
	                  (x->state == EXCHANGE_RELAYING && !exchange_is_streaming(x));

	return is_servers && x->request.limit_us > 0 ? x->request.limit_us : usual_us(x);
}

static enum client_body body_expected(const struct exchange *x, bool connected)
{
	if (x->report && !x->request.body.done)
		return CLIENT_BODY_WANTED;
	if (!connected || x->request.body.done)
		return CLIENT_BODY_NONE;
	return upstream_pending(x->up) > 0 ? CLIENT_BODY_PAUSED : CLIENT_BODY_WANTED;
}

/* Each side is read as far as the other side takes it. */
void exchange_watch(struct exchange *x)
{
	bool connected = x->state == EXCHANGE_AWAITING || x->state == EXCHANGE_RELAYING;

	client_expect_body(x->client, body_expected(x, connected));
	if (connected)
		upstream_want_input(x->up, client_pending(x->client) == 0);
	client_deadline(x->client, limit_us(x));
}

void exchange_set_state(struct exchange *x, enum exchange_state state)
{
	x->state = state;
	exchange_watch(x);
}

struct span exchange_early_bytes(const struct exchange *x)
{
	const struct buf *in = &x->client->in;

	return (struct span){buf_at(in) + x->in_used, buf_len(in) - x->in_used};
}

/* ---- who ends it ---------------------------------------------------------------------------------- */

static char phase_of(const struct exchange *x)
{
	switch (x->state) {
	case EXCHANGE_HELD:
	case EXCHANGE_CONNECTING:
		return PHASE_CONNECTION;
	case EXCHANGE_AWAITING:
		return x->request.body.done ? PHASE_HEAD : PHASE_REQUEST;
	case EXCHANGE_RELAYING:
		return PHASE_DATA;
	default:
		return x->filters.request ? PHASE_FILTER : PHASE_REQUEST;
	}
}

void exchange_blame_in(struct exchange *x, char who, char phase)
{
	if (x->blame)
		return;
	x->blame = who;
	x->phase = phase;
}

void exchange_blame(struct exchange *x, char who)
{
	exchange_blame_in(x, who, x->response.head_sent ? PHASE_DATA : phase_of(x));
}

void exchange_record(const struct exchange *x, int status, const char *reason)
{
	const struct access_record record = {.status = status,
	                                     .reason = reason,
	                                     .who = x->blame,
	                                     .phase = x->phase,
	                                     .bytes_up = x->bytes_up,
	                                     .bytes_down = x->response.bytes + buf_len(&x->local.bytes),
	                                     .first_byte_us = x->response.first_byte_us};

	access_log_write(x->worker, &x->request, &record);
}

/* ---- the end ------------------------------------------------------------------------------------- */

void exchange_drop_upstream(struct exchange *x)
{
	if (x->up && x->request.websocket)
		upstream_retire(x->up);
	else if (x->up)
		upstream_close(x->up);
	x->up = NULL;
}

void exchange_free(struct exchange *x)
{
	struct exchanges *all = x->worker->exchanges;

	readiness_leave(&x->held);
	request_ids_remove(&all->ids, x->filters.request);
	if (x->counted)
		quota_give(&all->users, x->request.user.name);
	exchange_drop_upstream(x);
	local_response_fini(&x->local);
	browser_report_free(x->report);
	request_fini(&x->request);
	free(x);
}

void exchange_end(struct exchange *x, int status, bool keep_alive)
{
	struct client *c = x->client;
	size_t used = x->in_used;

	c->close_requested = x->request.close_requested && x->request.body.done;
	proxy_metrics_request(&x->worker->metrics, status);
	exchange_record(x, status, NULL);
	exchange_free(x);
	client_next(c, used, keep_alive);
}

void exchange_cut(struct exchange *x)
{
	struct client *c = x->client;
	bool head_sent = x->response.head_sent;

	if (head_sent && (x->response.unchunks || x->response.body.framing == HTTP_BODY_UNTIL_CLOSE))
		stream_break(c->wr.fd); /* nothing else tells half of it from the whole */
	proxy_metrics_request(&x->worker->metrics, head_sent ? x->response.status : 0);
	exchange_blame(x, BLAME_CLIENT);
	exchange_record(x, head_sent ? x->response.status : x->local.status, NULL);
	exchange_free(x);
	client_close(c);
}

int exchange_detach(struct exchange *x)
{
	struct client *c = x->client;

	proxy_metrics_request(&x->worker->metrics, 101);
	exchange_record(x, 101, NULL);
	exchange_free(x);
	return client_detach(c);
}

/* ---- the beginning --------------------------------------------------------------------------------- */

struct exchange *exchange_new(struct client *c, size_t head_len)
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
