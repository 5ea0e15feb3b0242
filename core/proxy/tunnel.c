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

#include "net/stream.h"
#include "proxy/close_reason.h"
#include "proxy/recheck.h"
#include "proxy/tunnel_page.h"
#include "proxy/tunnel_report.h"
#include "proxy/tunnel_slot.h"
#include "proxy/tunnel_walk.h"
#include "proxy/upstream.h"
#include "proxy/worker.h"

#define PING_LATE_US UINT64_C(1000000) /* beyond when it is due */
#define LOOK_SECONDS 1.
#define CLOSE_POLICY "\x88\x02\x03\xf0" /* an unmasked close frame: 1008, policy violation */
#define CLOSE_AWAY   "\x88\x02\x03\xe9" /* 1001, going away */
#define CLOSE_BYTES  4
/* What the kernel may hold unacknowledged before it gives the client up; a dead last mile shows here. */
#define CLIENT_UNACKED_MS 30000

static struct tunnel_side *other_side(struct tunnel_side *side)
{
	return side == &side->tunnel->client ? &side->tunnel->upstream : &side->tunnel->client;
}

/* ---- watchers ------------------------------------------------------------------------------ */

/* From there is read what there is room for on the other side; nothing while it is queued to end. */
static int side_awaits(struct tunnel_side *side)
{
	int reads = !side->eof && buf_len(&other_side(side)->out) == 0 ? EV_READ : 0;

	if (tunnel_is_ending(side->tunnel))
		return 0;
	return reads | (buf_len(&side->out) > 0 ? EV_WRITE : 0);
}

static void side_watch(struct tunnel_side *side)
{
	struct ev_loop *loop = side->tunnel->worker->loop;
	int events = side_awaits(side);

	if (ev_is_active(&side->io) && side->io.events == events)
		return;
	ev_io_stop(loop, &side->io);
	ev_io_modify(&side->io, events);
	if (events != 0)
		ev_io_start(loop, &side->io);
}

/* The one place that starts and stops them; nothing changes while bytes just pass. */
static void tunnel_watch(struct tunnel *t)
{
	side_watch(&t->client);
	side_watch(&t->upstream);
}

/* It took something, or has something new to take: from here on it has the time of one step.  Nobody half-closes
 * a WebSocket and goes on: after our FIN it has as much. */
static void side_deadline(struct tunnel_side *side)
{
	bool runs = buf_len(&side->out) > 0 || side->shut;

	side->due_us = runs ? clock_mono_us() + side->tunnel->worker->conf.tunnel_send_us : 0;
}

/* ---- the end ----------------------------------------------------------------------------------- */

static void side_fini(struct tunnel_side *side)
{
	struct worker *worker = side->tunnel->worker;

	loop_turn_leave(&worker->process->turn, &side->place);
	ev_io_stop(worker->loop, &side->io);
	close(side->io.fd);
	buf_fini(&side->out);
}

/* What is held was received before the end: who is still there gets it, if he can take it at once. */
static void held_spend(struct tunnel *t)
{
	bool for_client;
	struct span held = tunnel_slot_release_held(t, &for_client);
	const struct tunnel_side *to = for_client ? &t->client : &t->upstream;

	if (buf_len(&to->out) == 0)
		(void)send(to->io.fd, held.at, held.len, MSG_NOSIGNAL | MSG_DONTWAIT);
}

static void turn_forget(struct tunnel_turn *turn, struct tunnel *t)
{
	for (size_t i = 0; i < turn->n; i++)
		if (turn->held[i] == t) {
			turn->held[i] = NULL;
			held_spend(t);
		}
}

/* In the order in which it happened. */
static void work_report(struct tunnel *t)
{
	if (t->work && t->work->opened)
		tunnel_report_open(t);
	if (tunnel_is_ending(t))
		tunnel_report_end(t, &t->work->end);
	if (t->work)
		t->work->opened = false;
}

static void work_drop(struct tunnel *t)
{
	if (t->work)
		loop_turn_unqueue(&t->worker->process->turn, &t->work->turn);
	free(t->work);
	t->work = NULL;
}

static void tunnel_free(struct tunnel *t)
{
	struct worker *worker = t->worker;
	struct tunnels *all = worker->tunnels;

	work_report(t);
	work_drop(t);
	tunnel_walk_forget(&all->looking, t);
	tunnel_walk_forget(&all->following, t);
	turn_forget(&all->turn, t);
	tunnel_slot_drop(t);
	recheck_remove(t->recheck);
	side_fini(&t->client);
	side_fini(&t->upstream);
	LIST_REMOVE(t, link);
	all->n--;
	if (all->n == 0)
		ev_timer_stop(all->loop, &all->look);
	if (t->counted)
		quota_give(&all->users, t->user);
	worker_gauge_set(worker, worker->metrics.tunnels, all->n);
	free(t);
	loop_turn_spend(&worker->process->turn);
}

/* The first close frame decides who ended it; without one, the side that went first. */
static enum page_end end_of(const struct tunnel_facts *f)
{
	if (f->client_closed && (f->client_closed_first || !f->upstream_closed))
		return PAGE_END_CLIENT_CLOSE;
	return f->upstream_closed || f->side == TUNNEL_UPSTREAM ? PAGE_END_SERVER : PAGE_END_CLIENT_CUT;
}

/* What its page experienced is looked at now. */
static struct tunnel_end end_make(struct tunnel *t, unsigned reason, uint16_t code, enum page_end page)
{
	uint64_t now_us = clock_mono_us();

	tunnel_page_count(t, now_us);
	return (struct tunnel_end){.page = page, .reason = (enum t3ops_reason)reason, .code = code, .at_us = now_us};
}

static struct tunnel_end side_classify(struct tunnel_side *side, enum tunnel_act act, int error)
{
	struct tunnel *t = side->tunnel;
	struct tunnel_facts facts = {.side = side == &t->client ? TUNNEL_CLIENT : TUNNEL_UPSTREAM,
	                             .act = act,
	                             .error = error,
	                             .client_closed = t->client.frames.closed,
	                             .upstream_closed = t->upstream.frames.closed,
	                             .client_closed_first = t->client_closed_first,
	                             .client_code = t->client.frames.close_code,
	                             .upstream_code = t->upstream.frames.close_code,
	                             .waiting_us = heartbeat_waiting_us(&t->page.heartbeat, clock_mono_us()),
	                             .period_us = t->worker->conf.page_heartbeat_us};
	uint16_t code;
	unsigned reason = close_reason_classify(&facts, &code);

	return end_make(t, reason, code, end_of(&facts));
}

/* The first side that goes decides; what follows it is its echo. */
static void side_report(struct tunnel_side *side, enum tunnel_act act, int error)
{
	struct tunnel_end end;

	work_report(side->tunnel);
	if (side->tunnel->reported)
		return;
	end = side_classify(side, act, error);
	tunnel_report_end(side->tunnel, &end);
}

/* A Ping that comes so much later than due was stuck, or its page. */
static void steady_count(struct tunnel *t, uint64_t now_us)
{
	if (now_us - t->client.last_us > t->worker->conf.page_heartbeat_us + PING_LATE_US)
		t->steady_us = now_us;
}

/* What the bytes say about the page's heartbeat, and who closes. */
static void side_observe(struct tunnel_side *side, const char *bytes, size_t n)
{
	struct tunnel *t = side->tunnel;
	bool closed_before = side->frames.closed;
	uint64_t now_us = clock_mono_us();

	if (side == &t->client)
		steady_count(t, now_us);
	side->last_us = now_us;
	side->bytes = (side->bytes + n) & SIDE_BYTES_MAX;
	if (side == &t->upstream)
		tunnel_page_answer(t, n, side->last_us);
	ws_frames_read(&side->frames, bytes, n, tunnel_page_frame, side);
	if (side == &t->client && side->frames.closed && !closed_before)
		t->client_closed_first = !t->upstream.frames.closed;
}

/* A side that takes nothing any more may have spoken before: the other one gets it, as far as it can take it at once,
 * and a close frame among it decides. */
static void side_last_words(struct tunnel_side *side)
{
	struct tunnel_side *to = other_side(side);
	char *scratch = side->tunnel->worker->scratch;
	ssize_t n;
	int r = 0;

	turn_forget(&side->tunnel->worker->tunnels->turn, side->tunnel);
	tunnel_slot_open(side->tunnel);
	while (r == 0 && buf_len(&to->out) == 0) {
		n = recv(side->io.fd, scratch, SCRATCH_BYTES, MSG_DONTWAIT);
		if (n <= 0)
			break;
		side_observe(side, scratch, (size_t)n);
		r = stream_send(to->io.fd, &to->out, scratch, (size_t)n);
	}
}

static void side_broke(struct tunnel_side *side, int error)
{
	struct tunnel *t = side->tunnel;

	work_report(t); /* what follows is no part of it */
	side_last_words(side);
	side_report(side, TUNNEL_BROKE, error);
	stream_break(other_side(side)->io.fd); /* must not look like an orderly end there */
	tunnel_free(t);
}

static void side_stuck(struct tunnel_side *side)
{
	side_report(side, TUNNEL_STUCK, 0);
	tunnel_free(side->tunnel);
}

/* ---- passing on ----------------------------------------------------------------------------------- */

/* Its peer sends no more and everything is out: pass the FIN on; both done: the tunnel is over. */
static void side_finish(struct tunnel_side *side)
{
	struct tunnel_side *from = other_side(side);

	if (!from->eof || buf_len(&side->out) > 0)
		return;
	if (!side->shut) {
		shutdown(side->io.fd, SHUT_WR);
		side->shut = true;
		side_deadline(side);
	}
	if (side->eof && from->shut)
		tunnel_free(side->tunnel);
}

/* It is reported why: what follows. */
static void side_end(struct tunnel_side *side, int error)
{
	tunnel_slot_open(side->tunnel);
	if (error != 0) {
		side_broke(side, error);
		return;
	}
	side->eof = true;
	tunnel_watch(side->tunnel);
	side_finish(other_side(side));
}

/* Its turn has come. */
static unsigned on_work(struct turn_work *w)
{
	struct tunnel *t = w->data;
	struct tunnel_side *gone = t->work->gone;
	int error = t->work->error;

	work_report(t);
	work_drop(t);
	if (gone)
		side_end(gone, error);
	return 1;
}

/* Queued, if it is not yet.  NULL without memory. */
static struct tunnel_work *work_put_off(struct tunnel *t)
{
	if (!t->work) {
		t->work = calloc(1, sizeof *t->work);
		if (!t->work)
			return NULL;
		t->work->turn = (struct turn_work){.run = on_work, .data = t};
	}
	loop_turn_queue(&t->worker->process->turn, &t->work->turn);
	return t->work;
}

/* In its order among what is to be reported of others: of a user's page that comes back the end is first. */
static void opening_report(struct tunnel *t)
{
	struct tunnel_work *w = loop_turn_has_work(&t->worker->process->turn) ? work_put_off(t) : NULL;

	if (w)
		w->opened = true;
	else
		tunnel_report_open(t);
}

/* It sends no more, or broke.  Why is decided now, and nothing passes until the rest is done: thousands may end at
 * once, and each takes its time.  Another proxy would read an end as well, but no error. */
static void side_gone(struct tunnel_side *side, int error)
{
	struct tunnel *t = side->tunnel;
	enum tunnel_act act = error != 0 ? TUNNEL_BROKE : TUNNEL_ENDED;
	struct tunnel_work *w = work_put_off(t);

	if (!w) {
		side_report(side, act, error);
		side_end(side, error);
		return;
	}
	if (!t->reported)
		w->end = side_classify(side, act, error);
	w->gone = side;
	w->error = error;
	tunnel_watch(t);
	if (error == 0)
		tunnel_slot_settle(t);
	loop_turn_spend(&t->worker->process->turn);
}

static void side_flush(struct tunnel_side *side)
{
	size_t before = buf_len(&side->out);
	int r = stream_flush(side->io.fd, &side->out); /* the slot is dirty while something waits */

	if (r < 0) {
		side_broke(side, -r);
		return;
	}
	if (buf_len(&side->out) < before)
		side_deadline(side);
	if (buf_len(&side->out) > 0)
		return;
	tunnel_watch(side->tunnel);
	if (other_side(side)->eof)
		side_finish(side);
	else
		tunnel_slot_settle(side->tunnel);
}

/* And is queued to end: another proxy could not read that error. */
static bool is_broken(const struct tunnel *t)
{
	return tunnel_is_ending(t) && t->work->error != 0;
}

static void side_send(struct tunnel_side *to, const char *bytes, size_t n)
{
	int r = stream_send(to->io.fd, &to->out, bytes, n);

	if (r < 0) {
		side_broke(to, -r);
	} else if (buf_len(&to->out) > 0) {
		side_deadline(to);
		tunnel_watch(to->tunnel);
	} else if (!is_broken(to->tunnel)) {
		tunnel_slot_settle(to->tunnel);
	}
}

/* What one turn of the loop receives is sent at its end: whoever the first of these packets wakes up finds them all,
 * instead of being woken up for each. */
static bool turn_hold(struct tunnel_side *to, const char *bytes, size_t n)
{
	struct tunnel *t = to->tunnel;
	struct tunnel_turn *turn = &t->worker->tunnels->turn;

	if (turn->n == TURN_TUNNELS || !tunnel_slot_hold(t, to == &t->client, bytes, n))
		return false;
	turn->held[turn->n++] = t;
	return true;
}

static void held_send(struct tunnel *t)
{
	bool for_client;
	struct span held = tunnel_slot_release_held(t, &for_client);

	side_send(for_client ? &t->client : &t->upstream, held.at, held.len);
}

static void turn_end(struct tunnel_turn *turn)
{
	for (size_t i = 0; i < turn->n; i++)
		if (turn->held[i])
			held_send(turn->held[i]);
	turn->n = 0;
}

static void on_turn_end(struct ev_loop *loop, struct ev_prepare *w, int revents)
{
	(void)loop, (void)revents;
	turn_end(w->data);
}

/* A side has its turn once: nothing of it is held when more comes. */
static void side_pass(struct tunnel_side *side, const char *bytes, size_t n)
{
	struct tunnel_side *to = other_side(side);

	side_observe(side, bytes, n);
	/* a close frame decides; the connections may take seconds to follow */
	if (side->frames.closed && ws_frames_at_boundary(&side->frames))
		side_report(side, TUNNEL_ENDED, 0);
	if (!turn_hold(to, bytes, n))
		side_send(to, bytes, n);
}

/* When very many end at once, some of them do in the next turn of the loop. */
static void side_read(struct tunnel_side *side)
{
	struct worker *worker = side->tunnel->worker;
	char *scratch = worker->scratch;
	ssize_t n;

	if (loop_turn_put_off(&worker->process->turn, &side->place, &side->io))
		return;
	tunnel_slot_open(side->tunnel);
	n = recv(side->io.fd, scratch, SCRATCH_BYTES, MSG_DONTWAIT);
	if (n > 0) {
		side_pass(side, scratch, (size_t)n);
	} else if (n == 0 || (errno != EAGAIN && errno != EINTR)) {
		side_gone(side, n == 0 ? 0 : errno);
	} else {
		tunnel_slot_settle(side->tunnel);
	}
}

/* If it is ready for both it can still be read the next time; it may be gone when it returns. */
static void on_ready(struct ev_loop *loop, struct ev_io *w, int revents)
{
	(void)loop;
	if (revents & EV_WRITE)
		side_flush(w->data);
	else
		side_read(w->data);
}

/* ---- the beginning ------------------------------------------------------------------------------------ */

static void side_init(struct tunnel *t, struct tunnel_side *side, int fd, struct buf *out)
{
	side->tunnel = t;
	side->out = *out;
	side->last_us = t->opened_us;
	ev_io_init(&side->io, on_ready, fd, 0);
	side->io.data = side;
}

/* A last mile that is gone sends nothing: only unacknowledged data and probes of the kernel show it. */
static void client_socket_watch(int fd)
{
	int unacked = CLIENT_UNACKED_MS;

	stream_watch_peer(fd);
	setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &unacked, sizeof unacked);
}

/* What came early has gone into the queues already, but is traffic like any other. */
static void early_bytes_observe(struct tunnel *t, const struct tunnel_start *s)
{
	size_t down = buf_len(&t->client.out) - s->head_bytes, up = buf_len(&t->upstream.out);

	if (down > 0)
		side_observe(&t->upstream, buf_at(&t->client.out) + s->head_bytes, down);
	if (up > 0)
		side_observe(&t->client, buf_at(&t->upstream.out), up);
}

static struct tunnel *tunnel_new(struct worker *worker, struct tunnel_start *s)
{
	struct tunnels *all = worker->tunnels;
	size_t name_size = strlen(s->user) + 1, address_size = strlen(s->address) + 1;
	struct tunnel *t = calloc(1, sizeof *t + name_size + address_size);

	if (!t)
		return NULL;
	memcpy(t->user, s->user, name_size);
	t->address = memcpy(t->user + name_size, s->address, address_size);
	t->worker = worker;
	t->id = ++all->last_id;
	t->slot = -1;
	t->opened_us = t->steady_us = clock_mono_us();
	event_set(t->colo, s->colo);
	side_init(t, &t->client, s->client_fd, &s->to_client);
	side_init(t, &t->upstream, s->upstream_fd, &s->to_upstream);
	LIST_INSERT_HEAD(&all->list, t, link);
	if (all->n++ == 0)
		ev_timer_again(all->loop, &all->look);
	t->counted = quota_take(&all->users, t->user); /* one that moved here is never too many */
	return t;
}

/* It has its id, and all that came with it. */
static void tunnel_run(struct tunnel *t, char *session)
{
	t->recheck = recheck_add(t->worker->recheck, t->id, t->user, session);
	worker_gauge_set(t->worker, t->worker->metrics.tunnels, t->worker->tunnels->n);
	side_deadline(&t->client);
	side_deadline(&t->upstream);
	tunnel_watch(t);
	tunnel_slot_settle(t);
}

static void start_drop(struct tunnel_start *s)
{
	close(s->client_fd);
	close(s->upstream_fd);
	buf_fini(&s->to_client);
	buf_fini(&s->to_upstream);
	recheck_session_free(s->session);
	log_write(LOG_L_ERROR, "tunnel_failed", kv_errno(ENOMEM));
}

void tunnel_open(struct worker *worker, struct tunnel_start *s, bool ok)
{
	struct tunnel *t = ok ? tunnel_new(worker, s) : NULL;

	if (!t) {
		start_drop(s);
		return;
	}
	client_socket_watch(t->client.io.fd);
	early_bytes_observe(t, s);
	tunnel_slot_put(t);
	series_add(worker->metrics.tunnels_opened, 1);
	opening_report(t);
	tunnel_run(t, s->session);
	loop_turn_spend(&worker->process->turn);
}

/* ---- ended by us ------------------------------------------------------------------------------------------ */

/* Sends the client a close frame, if that can be done between two frames. */
static void tunnel_close_locally(struct tunnel *t, const char *frame, enum page_end end)
{
	work_report(t);
	if (!t->reported) {
		struct tunnel_end local = end_make(t, T3OPS_R_LOCAL, 0, end);

		tunnel_report_end(t, &local);
	}
	if (buf_len(&t->client.out) == 0 && ws_frames_at_boundary(&t->upstream.frames) && !t->upstream.frames.closed)
		(void)send(t->client.io.fd, frame, CLOSE_BYTES, MSG_NOSIGNAL | MSG_DONTWAIT);
	tunnel_free(t);
}

static struct tunnel *tunnel_find(struct tunnels *all, uint64_t id)
{
	struct tunnel *t;

	LIST_FOREACH (t, &all->list, link)
		if (t->id == id)
			return t;
	return NULL;
}

void tunnel_session_dead(struct worker *worker, uint64_t id)
{
	struct tunnel *t;

	tunnels_settle(worker);
	t = tunnel_find(worker->tunnels, id);
	if (!t)
		return;
	series_add(worker->metrics.tunnels_session_dead, 1);
	log_write(LOG_L_NOTICE, "tunnel_session_expired", kv_tunnel((int64_t)t->id), kv_user(t->user),
	          kv_effect("closed with 1008"));
	tunnel_close_locally(t, CLOSE_POLICY, PAGE_END_OURS);
}

/* ---- moving ------------------------------------------------------------------------------------------------ */

void tunnel_given(struct tunnel *t)
{
	t->slot = -1;
	t->reported = true;
	tunnel_free(t);
}

/* Whether the table still sends its user where it goes; what an earlier process thought of that does not matter. */
static bool is_wanted(const struct tunnel *t, const struct user_list *now)
{
	const struct user *user = user_list_find(now, t->user);

	return user && upstream_leads_to(t->upstream.io.fd, user);
}

/* Reads the record; false: it is cut short, or there is no memory. */
static bool start_read(struct tunnel_start *start, const char *bytes, size_t n, struct handoff_record *p)
{
	if (n < sizeof *p)
		return false;
	memcpy(p, bytes, sizeof *p);
	event_set(start->user, p->user);
	event_set(start->address, p->address);
	event_set(start->colo, p->colo);
	bytes += sizeof *p;
	return n == sizeof *p + p->client_pending + p->upstream_pending + p->session_len &&
	       buf_add(&start->to_client, bytes, p->client_pending) &&
	       buf_add(&start->to_upstream, bytes + p->client_pending, p->upstream_pending);
}

void tunnel_adopt(struct worker *worker, const char *bytes, size_t n, const int fds[2])
{
	struct tunnel_start start = {.client_fd = fds[0], .upstream_fd = fds[1]};
	struct handoff_record p;
	struct tunnel *t = start_read(&start, bytes, n, &p) ? tunnel_new(worker, &start) : NULL;

	if (!t) {
		start_drop(&start);
		tunnel_lose(worker, bytes, n, "no memory was left for it when it moved");
		return;
	}
	tunnel_unpack(t, &p);
	tunnel_run(t, recheck_session_copy(worker->recheck, bytes + n - p.session_len, p.session_len));
	if (users_are_known(worker->users) && !is_wanted(t, users_list(worker->users)))
		tunnel_close_locally(t, CLOSE_POLICY, PAGE_END_OURS);
}

/* ---- all of them ----------------------------------------------------------------------------------------- */

static bool is_overdue(const struct tunnel_side *side, uint64_t now_us)
{
	return side->due_us > 0 && now_us >= side->due_us;
}

/* A page that falls silent, or waits, sends nothing that would tell. */
static void tunnel_look(struct tunnel *t)
{
	uint64_t now_us = clock_mono_us();

	if (t->work)
		return;
	if (buf_len(&t->client.out) > 0)
		tunnel_page_count(t, now_us);
	if (!t->reported && tunnel_page_changed(t, now_us))
		tunnel_report_page(t, now_us);
	if (is_overdue(&t->client, now_us))
		side_stuck(&t->client);
	else if (is_overdue(&t->upstream, now_us))
		side_stuck(&t->upstream);
}

/* The table may have changed again since the walk began: then it began anew. */
static void tunnel_follow(struct tunnel *t)
{
	if (!is_wanted(t, users_list(t->worker->users)))
		tunnel_close_locally(t, CLOSE_POLICY, PAGE_END_OURS);
}

static void on_look(struct ev_loop *loop, struct ev_timer *w, int revents)
{
	struct worker *worker = w->data;

	(void)loop, (void)revents;
	if (!tunnel_walk_goes_on(&worker->tunnels->looking))
		tunnel_walk_begin(&worker->tunnels->looking);
}

struct tunnels *tunnels_new(struct worker *worker)
{
	struct tunnels *all = calloc(1, sizeof *all);

	if (!all)
		return NULL;
	LIST_INIT(&all->list);
	all->worker = worker;
	all->loop = worker->loop;
	tunnel_walk_init(&all->looking, all, tunnel_look);
	tunnel_walk_init(&all->following, all, tunnel_follow);
	all->last_id = (uint64_t)worker->process->serial << 32; /* a tunnel keeps its id when it moves */
	ev_timer_init(&all->look, on_look, LOOK_SECONDS, LOOK_SECONDS);
	all->look.data = worker;
	ev_prepare_init(&all->turn.end, on_turn_end);
	all->turn.end.data = &all->turn;
	ev_prepare_start(all->loop, &all->turn.end);
	worker_gauge_set(worker, worker->metrics.tunnels, 0);
	return all;
}

bool tunnels_any(const struct tunnels *all)
{
	return all->n > 0;
}

void tunnels_settle(struct worker *worker)
{
	turn_end(&worker->tunnels->turn);
}

void tunnels_follow_users(struct worker *worker)
{
	tunnel_walk_begin(&worker->tunnels->following);
}

void tunnels_close_all(struct worker *worker)
{
	struct tunnel *t;

	tunnels_settle(worker);
	while ((t = LIST_FIRST(&worker->tunnels->list)))
		tunnel_close_locally(t, CLOSE_AWAY, PAGE_END_LOST);
}

void tunnels_free(struct tunnels *all)
{
	if (!all)
		return;
	tunnel_walk_fini(&all->looking);
	tunnel_walk_fini(&all->following);
	ev_timer_stop(all->loop, &all->look);
	ev_prepare_stop(all->loop, &all->turn.end);
	quota_fini(&all->users);
	free(all);
}
