/* SPDX-License-Identifier: MIT */
/* Responses that move; see exchange_handoff.h. */
#include "proxy/exchange_handoff.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "net/stream.h"
#include "proxy/access_log.h"
#include "proxy/exchange.h"
#include "proxy/upstream.h"
#include "proxy/worker.h"

/* ---- giving ------------------------------------------------------------------------------------- */

/* What is here of the client's next request: behind this one's head, or behind its body. */
static size_t early_len(const struct exchange *x)
{
	return exchange_early_bytes(x).len + buf_len(&x->client->readahead);
}

static bool can_move(const struct exchange *x)
{
	return x->state == EXCHANGE_RELAYING && x->response.head_sent && x->request.body.done &&
	       !x->request.websocket && !x->response.unchunks && upstream_pending(x->up) == 0 &&
	       buf_len(&x->up->in) == 0;
}

static void record_fill(const struct exchange *x, size_t summary_len, struct exchange_record *p)
{
	const struct response *r = &x->response;
	const struct client *c = x->client;

	memset(p, 0, sizeof *p); /* padding, too */
	p->kind = HANDOFF_EXCHANGE;
	event_set(p->user, x->request.user.name);
	event_set(p->identity, x->request.identity);
	event_set(p->address, x->request.address);
	p->proxied = c->name.proxied;
	p->name = c->name.address;
	p->keep_alive = r->keep_alive;
	p->close_requested = x->request.close_requested;
	p->framing = (uint8_t)r->body.framing;
	p->status = (uint16_t)r->status;
	p->left = r->body.left;
	p->chunked = r->body.chunked;
	p->started_us = x->request.started_us;
	p->first_byte_us = r->first_byte_us;
	p->bytes_up = x->bytes_up;
	p->bytes_down = r->bytes;
	p->summary_len = (uint32_t)summary_len;
	p->early_len = (uint32_t)early_len(x);
	p->pending_len = (uint32_t)client_pending(c);
}

/* Adds bytes at *at and moves it on. */
static void put(char **at, const void *bytes, size_t n)
{
	if (n > 0)
		memcpy(*at, bytes, n);
	*at += n;
}

size_t exchange_handoff_pack(const struct exchange *x, char *out, size_t size, int fds[2])
{
	struct buf *summary = &x->worker->head;
	const struct span early = exchange_early_bytes(x);
	const struct buf *ahead = &x->client->readahead, *pending = &x->client->out;
	struct exchange_record p;
	char *at = out;

	if (!can_move(x) || early_len(x) > TUNNEL_PENDING_MAX || buf_len(pending) > TUNNEL_PENDING_MAX)
		return 0;
	buf_clear(summary);
	if (!request_summarize(&x->request, summary) || buf_len(summary) > REQUEST_SUMMARY_MAX ||
	    size < EXCHANGE_HANDOFF_MAX)
		return 0;
	record_fill(x, buf_len(summary), &p);
	put(&at, &p, sizeof p);
	put(&at, buf_at(summary), buf_len(summary));
	put(&at, early.at, early.len);
	put(&at, buf_at(ahead), buf_len(ahead));
	put(&at, buf_at(pending), buf_len(pending));
	fds[0] = x->client->rd.fd;
	fds[1] = x->up->rd.fd;
	return (size_t)(at - out);
}

void exchange_given(struct exchange *x)
{
	struct client *c = x->client;

	exchange_free(x);
	client_close(c);
}

/* ---- taking --------------------------------------------------------------------------------------- */

/* Reads the record and checks it; false: it is cut short, or contradicts itself. */
static bool record_read(const char *bytes, size_t n, struct exchange_record *p)
{
	if (n < sizeof *p)
		return false;
	memcpy(p, bytes, sizeof *p);
	p->user[sizeof p->user - 1] = p->identity[sizeof p->identity - 1] = p->address[sizeof p->address - 1] = '\0';
	return p->summary_len > 0 && p->summary_len <= REQUEST_SUMMARY_MAX && p->early_len <= TUNNEL_PENDING_MAX &&
	       p->pending_len <= TUNNEL_PENDING_MAX &&
	       n == sizeof *p + p->summary_len + p->early_len + p->pending_len && p->status >= 200 &&
	       p->status <= 999 &&
	       (p->framing == HTTP_BODY_LENGTH || p->framing == HTTP_BODY_CHUNKED ||
	        p->framing == HTTP_BODY_UNTIL_CLOSE) &&
	       (unsigned)p->chunked.state < CHUNKED_DONE;
}

static void cut_report(struct worker *worker, const struct exchange_record *p, const char *why)
{
	struct event e;

	event_init(&e, EVENT_REQUEST_CUT, PROCESS_PROXY);
	if (!throttle_passes(&worker->throttle, p->identity, "moved", e.mono_us, &e.count))
		return;
	e.code = p->status;
	event_set(e.user, p->identity);
	event_set(e.address, p->address);
	event_set(e.text, why);
	process_emit(worker->process, &e);
}

void exchange_lose(struct worker *worker, const char *bytes, size_t n, const char *why)
{
	struct exchange_record p;

	if (!record_read(bytes, n, &p))
		memset(&p, 0, sizeof p);
	proxy_metrics_request(&worker->metrics, p.status);
	cut_report(worker, &p, why);
}

static void request_fill(struct exchange *x, const struct exchange_record *p)
{
	struct request *r = &x->request;
	const struct user *user = user_list_find(users_list(x->worker->users), p->user);

	r->has_user = true;
	if (user)
		r->user = *user;
	event_set(r->user.name, p->user);
	event_set(r->identity, p->identity);
	event_set(r->address, p->address);
	r->started_us = p->started_us;
	r->close_requested = p->close_requested != 0;
	x->bytes_up = p->bytes_up;
	x->counted = quota_take(&x->worker->exchanges->users, r->user.name); /* one that moved is never too many */
}

static void response_fill(struct exchange *x, const struct exchange_record *p)
{
	x->response = (struct response){
	    .worker = x->worker,
	    .request = &x->request,
	    .client = x->client,
	    .up = x->up,
	    .keep_alive = p->keep_alive != 0,
	    .body = {.framing = (enum http_framing)p->framing, .left = p->left, .chunked = p->chunked},
	    .status = p->status,
	    .head_sent = true,
	    .bytes = p->bytes_down,
	    .first_byte_us = p->first_byte_us,
	    .streams = p->framing != HTTP_BODY_LENGTH};
}

/* The client and its request, as far as they are known; NULL: the descriptor stays the caller's. */
static struct exchange *exchange_make(struct worker *worker, const char *bytes, const struct exchange_record *p,
                                      int client_fd)
{
	const struct client_name name = {.proxied = p->proxied != 0, .address = p->name};
	const struct span in = {bytes + sizeof *p, (size_t)p->summary_len + p->early_len};
	const struct span out = {in.at + in.len, p->pending_len};
	struct client *c = client_adopt_serving(worker->clients, client_fd, &name, in, out);
	struct exchange *x = c ? exchange_new(c, p->summary_len) : NULL;

	if (x && request_read_summary(&x->request, worker, &c->peer, (struct span){buf_at(&c->in), p->summary_len}))
		return x;
	if (x)
		exchange_free(x);
	if (c)
		client_detach(c);
	return NULL;
}

/* Whether the table still sends its user where the response comes from. */
static bool is_wanted(const struct exchange *x)
{
	const struct users *users = x->worker->users;
	const struct user *user = user_list_find(users_list(users), x->request.user.name);

	return !users_are_known(users) || (user && upstream_leads_to(x->up->rd.fd, user));
}

/* It has its request: it takes the t3 server's connection.  False: without memory. */
static bool upstream_take(struct exchange *x, const struct exchange_record *p, int fd)
{
	request_fill(x, p);
	x->up = upstream_adopt(x->worker->upstreams, fd, &exchange_upstream_owner, x);
	if (!x->up)
		return false;
	response_fill(x, p);
	return true;
}

static void exchange_go_on(struct exchange *x, const struct exchange_record *p)
{
	stream_unbreak(x->client->rd.fd);
	exchange_set_state(x, EXCHANGE_RELAYING);
	if (is_wanted(x))
		return;
	cut_report(x->worker, p, "the user table does not lead its user there any more");
	exchange_blame(x, BLAME_PROXY);
	exchange_cut(x);
}

void exchange_adopt(struct worker *worker, const char *bytes, size_t n, const int fds[2])
{
	struct exchange_record p;
	struct exchange *x = record_read(bytes, n, &p) ? exchange_make(worker, bytes, &p, fds[0]) : NULL;

	if (x && upstream_take(x, &p, fds[1])) {
		exchange_go_on(x, &p);
		return;
	}
	if (x) {
		struct client *c = x->client;

		exchange_free(x);
		client_detach(c);
	}
	close(fds[0]); /* which resets: the sender has broken it */
	close(fds[1]);
	exchange_lose(worker, bytes, n, "no memory was left for it when it moved");
}
