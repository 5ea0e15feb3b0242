/* SPDX-License-Identifier: MIT */
/* Users' WebSockets; see tunnel.h. */
#include "proxy/tunnel.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "proxy/recheck.h"
#include "net/stream.h"
#include "proxy/tunnel_slot.h"
#include "proxy/upstream.h"

#define CLOSE_POLICY "\x88\x02\x03\xf0" /* an unmasked close frame: 1008, policy violation */
#define CLOSE_AWAY   "\x88\x02\x03\xe9" /* 1001, going away */
#define CLOSE_BYTES  4
/* What the kernel may hold unacknowledged before it gives the client up; a dead last mile shows here. */
#define CLIENT_UNACKED_MS 30000

static struct tunnel_side *other_end(struct tunnel_side *e)
{
	return e == &e->tunnel->client ? &e->tunnel->upstream : &e->tunnel->client;
}

/* ---- the end ----------------------------------------------------------------------------------- */

static void end_fini(struct tunnel_side *e)
{
	struct ev_loop *loop = e->tunnel->proxy->loop;

	ev_io_stop(loop, &e->rd);
	ev_io_stop(loop, &e->wr);
	deadline_stop(loop, &e->send);
	close(e->rd.fd);
	buf_fini(&e->out);
}

static void tunnel_free(struct tunnel *t)
{
	struct proxy *f = t->proxy;

	tunnel_slot_drop(t);
	recheck_session_forget(t->session);
	end_fini(&t->client);
	end_fini(&t->upstream);
	LIST_REMOVE(t, link);
	f->n_tunnels--;
	if (t->counted)
		quota_give(&f->user_tunnels, t->user);
	proxy_gauges_set(f);
	free(t);
}

static void event_fill(const struct tunnel *t, struct event *e)
{
	uint64_t now = clock_mono_us();

	e->id = t->id;
	event_set(e->user, t->user);
	event_set(e->address, t->address);
	event_set(e->colo, t->colo);
	e->age_us = now - t->opened_us;
	e->idle_client_us = now - t->client.last_us + 1; /* 0 would mean: not said */
	e->idle_upstream_us = now - t->upstream.last_us + 1;
	e->bytes_up = t->client.bytes;
	e->bytes_down = t->upstream.bytes;
}

static void tunnel_report(struct tunnel *t, unsigned reason, uint16_t code)
{
	struct event e;

	t->reported = true;
	event_init(&e, close_reason_is_drop(reason, code) ? EVENT_TUNNEL_DROP : EVENT_TUNNEL_CLOSED, PROCESS_PROXY);
	event_fill(t, &e);
	e.reason = (uint16_t)reason;
	e.code = code;
	proxy_metrics_tunnel_close(&t->proxy->metrics, reason);
	process_emit(t->proxy->process, &e);
}

/* The first side that goes decides; what follows it is its echo. */
static void end_decide(struct tunnel_side *e, enum tunnel_act act, int error)
{
	struct tunnel *t = e->tunnel;
	struct tunnel_facts facts = {.side = e == &t->client ? TUNNEL_CLIENT : TUNNEL_UPSTREAM,
	                             .act = act,
	                             .error = error,
	                             .client_closed = t->client.frames.closed,
	                             .upstream_closed = t->upstream.frames.closed,
	                             .client_closed_first = t->client_closed_first,
	                             .client_code = t->client.frames.close_code,
	                             .upstream_code = t->upstream.frames.close_code,
	                             .unanswered_us = t->gave_up_us,
	                             .gave_up_us = t->proxy->conf.gave_up_us};
	uint16_t code;
	unsigned reason;

	if (t->reported)
		return;
	if (!facts.client_closed && t->unanswered_us > 0)
		facts.unanswered_us = clock_mono_us() - t->unanswered_us;
	reason = close_reason_classify(&facts, &code);
	tunnel_report(t, reason, code);
}

static void end_broke(struct tunnel_side *e, int error)
{
	struct tunnel *t = e->tunnel;

	end_decide(e, TUNNEL_BROKE, error);
	stream_break(other_end(e)->rd.fd); /* must not look like an orderly end there */
	tunnel_free(t);
}

static void on_send_deadline(void *arg)
{
	struct tunnel_side *e = arg;

	end_decide(e, TUNNEL_STUCK, 0);
	tunnel_free(e->tunnel);
}

/* ---- passing on ----------------------------------------------------------------------------------- */

/* Its peer sends no more and everything is out: pass the FIN on; both done: the tunnel is over. */
static void end_finish(struct tunnel_side *e)
{
	struct tunnel_side *from = other_end(e);

	if (!from->eof || buf_len(&e->out) > 0)
		return;
	if (!e->shut) {
		shutdown(e->wr.fd, SHUT_WR);
		e->shut = true;
		/* nobody half-closes a WebSocket and goes on: it has the time of a close */
		deadline_set(e->tunnel->proxy->loop, &e->send, e->tunnel->proxy->conf.tunnel_send_us);
	}
	if (e->eof && from->shut)
		tunnel_free(e->tunnel);
}

/* Something waits to go there: stop reading its source until it went. */
static void end_wait(struct tunnel_side *e)
{
	struct proxy *f = e->tunnel->proxy;

	ev_io_start(f->loop, &e->wr);
	ev_io_stop(f->loop, &other_end(e)->rd);
	deadline_set(f->loop, &e->send, f->conf.tunnel_send_us);
}

static void on_writable(struct ev_loop *loop, struct ev_io *w, int revents)
{
	struct tunnel_side *e = w->data;
	size_t before = buf_len(&e->out);
	int r = stream_flush(w->fd, &e->out); /* the slot is dirty while something waits */

	(void)revents;
	if (r < 0) {
		end_broke(e, -r);
		return;
	}
	if (buf_len(&e->out) > 0) {
		if (buf_len(&e->out) < before)
			deadline_set(loop, &e->send, e->tunnel->proxy->conf.tunnel_send_us);
		return;
	}
	ev_io_stop(loop, w);
	deadline_stop(loop, &e->send);
	if (other_end(e)->eof) {
		end_finish(e);
		return;
	}
	ev_io_start(loop, &other_end(e)->rd);
	tunnel_slot_settle(e->tunnel);
}

/* What the bytes say about who waits for whom, and who closes. */
static void end_observe(struct tunnel_side *e, const char *bytes, size_t n)
{
	struct tunnel *t = e->tunnel;
	bool closed_before = e->frames.closed;

	e->last_us = clock_mono_us();
	e->bytes += n;
	ws_frames_read(&e->frames, bytes, n, NULL, NULL);
	if (e == &t->upstream) {
		t->unanswered_us = 0;
	} else if (e->frames.closed && !closed_before) {
		t->client_closed_first = !t->upstream.frames.closed;
		t->gave_up_us = t->unanswered_us > 0 ? e->last_us - t->unanswered_us : 0;
	} else if (t->unanswered_us == 0) {
		t->unanswered_us = e->last_us;
	}
}

static void end_pass(struct tunnel_side *e, const char *bytes, size_t n)
{
	struct tunnel_side *to = other_end(e);
	int r;

	end_observe(e, bytes, n);
	/* a close frame says it all; the connections may take seconds to follow */
	if (e->frames.closed && ws_frames_at_boundary(&e->frames))
		end_decide(e, TUNNEL_ENDED, 0);
	r = stream_send(to->wr.fd, &to->out, bytes, n);
	if (r < 0)
		end_broke(to, -r);
	else if (buf_len(&to->out) > 0)
		end_wait(to);
	else
		tunnel_slot_settle(e->tunnel);
}

static void on_readable(struct ev_loop *loop, struct ev_io *w, int revents)
{
	struct tunnel_side *e = w->data;
	struct proxy *f = e->tunnel->proxy;
	ssize_t n;

	(void)revents;
	tunnel_slot_open(e->tunnel);
	n = recv(w->fd, f->scratch, SCRATCH_BYTES, MSG_DONTWAIT);
	if (n > 0) {
		end_pass(e, f->scratch, (size_t)n);
	} else if (n == 0) {
		end_decide(e, TUNNEL_ENDED, 0);
		ev_io_stop(loop, w);
		e->eof = true;
		end_finish(other_end(e));
	} else if (errno != EAGAIN && errno != EINTR) {
		end_broke(e, errno);
	} else {
		tunnel_slot_settle(e->tunnel);
	}
}

/* ---- the beginning ------------------------------------------------------------------------------------ */

static void end_init(struct tunnel *t, struct tunnel_side *e, int fd, struct buf *out)
{
	e->tunnel = t;
	e->out = *out;
	e->last_us = t->opened_us;
	ev_io_init(&e->rd, on_readable, fd, EV_READ);
	ev_io_init(&e->wr, on_writable, fd, EV_WRITE);
	e->rd.data = e->wr.data = e;
	deadline_init(&e->send, on_send_deadline, e);
}

/* A last mile that is gone says nothing: only unacknowledged data and probes of the kernel show it. */
static void client_socket_watch(int fd)
{
	int on = 1, idle = 15, pause = 5, probes = 3, unacked = CLIENT_UNACKED_MS;

	setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
	setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle, sizeof idle);
	setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &pause, sizeof pause);
	setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &probes, sizeof probes);
	setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &unacked, sizeof unacked);
}

/* What came early has gone into the queues already, but is traffic like any other. */
static void early_bytes_observe(struct tunnel *t, const struct tunnel_start *s)
{
	size_t down = buf_len(&t->client.out) - s->head_bytes, up = buf_len(&t->upstream.out);

	if (down > 0)
		end_observe(&t->upstream, buf_at(&t->client.out) + s->head_bytes, down);
	if (up > 0)
		end_observe(&t->client, buf_at(&t->upstream.out), up);
}

static struct tunnel *tunnel_new(struct proxy *f, struct tunnel_start *s)
{
	struct tunnel *t = calloc(1, sizeof *t);

	if (!t)
		return NULL;
	t->proxy = f;
	t->id = ++f->last_tunnel;
	t->slot = -1;
	t->opened_us = clock_mono_us();
	event_set(t->user, s->user);
	event_set(t->address, s->address);
	event_set(t->colo, s->colo);
	t->session = s->session;
	t->checked_us = t->opened_us;
	end_init(t, &t->client, s->client_fd, &s->to_client);
	end_init(t, &t->upstream, s->upstream_fd, &s->to_upstream);
	LIST_INSERT_HEAD(&f->tunnels, t, link);
	f->n_tunnels++;
	t->counted = quota_take(&f->user_tunnels, t->user); /* one that moved here is never too many */
	return t;
}

static void start_drop(struct tunnel_start *s)
{
	close(s->client_fd);
	close(s->upstream_fd);
	buf_fini(&s->to_client);
	buf_fini(&s->to_upstream);
	recheck_session_forget(s->session);
	log_line(LOG_L_ERROR, "tunnel_failed", "reason=\"no memory\"");
}

void tunnel_open(struct proxy *f, struct tunnel_start *s, bool ok)
{
	struct tunnel *t = ok ? tunnel_new(f, s) : NULL;
	struct event e;

	if (!t) {
		start_drop(s);
		return;
	}
	client_socket_watch(t->client.rd.fd);
	early_bytes_observe(t, s);
	tunnel_slot_put(t);
	series_add(f->metrics.tunnels_opened, 1);
	proxy_gauges_set(f);
	event_init(&e, EVENT_TUNNEL_OPEN, PROCESS_PROXY);
	e.id = t->id;
	event_set(e.user, t->user);
	event_set(e.address, t->address);
	event_set(e.colo, t->colo);
	process_emit(f->process, &e);
	ev_io_start(f->loop, &t->client.rd);
	ev_io_start(f->loop, &t->upstream.rd);
	if (buf_len(&t->client.out) > 0)
		end_wait(&t->client);
	if (buf_len(&t->upstream.out) > 0)
		end_wait(&t->upstream);
	tunnel_slot_settle(t);
}

/* ---- ended by us ------------------------------------------------------------------------------------------ */

/* The client is reported, if that can be done between two frames. */
static void tunnel_close_locally(struct tunnel *t, const char *frame)
{
	if (!t->reported)
		tunnel_report(t, T3OPS_R_LOCAL, 0);
	if (buf_len(&t->client.out) == 0 && ws_frames_at_boundary(&t->upstream.frames) && !t->upstream.frames.closed)
		(void)send(t->client.wr.fd, frame, CLOSE_BYTES, MSG_NOSIGNAL | MSG_DONTWAIT);
	tunnel_free(t);
}

struct tunnel *tunnel_find(struct proxy *f, uint64_t id)
{
	struct tunnel *t;

	LIST_FOREACH (t, &f->tunnels, link)
		if (t->id == id)
			return t;
	return NULL;
}

void tunnel_refuse(struct tunnel *t)
{
	tunnel_close_locally(t, CLOSE_POLICY);
}

/* Whether the table still sends its user where it goes; what an earlier process thought of that does not matter. */
static bool is_wanted(const struct tunnel *t, const struct user_list *now)
{
	const struct user *user = user_list_find(now, t->user);

	return user && upstream_leads_to(t->upstream.rd.fd, user);
}

/* ---- moving ------------------------------------------------------------------------------------------------ */

void tunnel_given(struct tunnel *t)
{
	t->slot = -1;
	tunnel_free(t);
}

/* Watches what the state calls for. */
static void end_resume(struct tunnel_side *e)
{
	struct proxy *f = e->tunnel->proxy;

	if (!e->eof && buf_len(&other_end(e)->out) == 0)
		ev_io_start(f->loop, &e->rd);
	if (buf_len(&e->out) > 0)
		end_wait(e);
	else if (e->shut)
		deadline_set(f->loop, &e->send, f->conf.tunnel_send_us);
}

void tunnel_adopt(struct proxy *f, const char *bytes, size_t n, const int fds[2])
{
	struct tunnel_start start = {.client_fd = fds[0], .upstream_fd = fds[1]};
	struct handoff_record p;
	struct tunnel *t = NULL;
	bool whole = n >= sizeof p;

	if (whole) {
		memcpy(&p, bytes, sizeof p);
		whole = n == sizeof p + p.client_pending + p.upstream_pending + p.session_len &&
		        buf_add(&start.to_client, bytes + sizeof p, p.client_pending) &&
		        buf_add(&start.to_upstream, bytes + sizeof p + p.client_pending, p.upstream_pending);
	}
	if (whole) {
		event_set(start.user, p.user);
		event_set(start.address, p.address);
		event_set(start.colo, p.colo);
		start.session = recheck_session_adopt(f, bytes + n - p.session_len, p.session_len);
		t = tunnel_new(f, &start);
	}
	if (!t) {
		start_drop(&start);
		tunnel_lose(f, bytes, n, "no memory was left for it when it moved");
		return;
	}
	tunnel_unpack(t, &p);
	proxy_gauges_set(f);
	end_resume(&t->client);
	end_resume(&t->upstream);
	tunnel_slot_settle(t);
	if (users_are_known(f->users) && !is_wanted(t, users_list(f->users)))
		tunnel_refuse(t);
}

/* ---- all of them ----------------------------------------------------------------------------------------- */

void tunnels_follow_users(struct proxy *f, const struct user_list *now)
{
	struct tunnel *t, *next;

	for (t = LIST_FIRST(&f->tunnels); t; t = next) {
		next = LIST_NEXT(t, link);
		if (!is_wanted(t, now))
			tunnel_refuse(t);
	}
}

void tunnels_close_all(struct proxy *f)
{
	struct tunnel *t, *next;

	for (t = LIST_FIRST(&f->tunnels); t; t = next) {
		next = LIST_NEXT(t, link);
		tunnel_close_locally(t, CLOSE_AWAY);
	}
}
