/* SPDX-License-Identifier: MIT */
/* What a tunnel leaves behind for another proxy; see tunnel_slot.h. */
#include "proxy/tunnel_slot.h"

#include <string.h>
#include <sys/socket.h>

#include "diagnosis/page_evidence.h"
#include "proxy/recheck.h"
#include "proxy/worker.h"

static struct tunnel_slot *slot_of(const struct tunnel *t)
{
	return t->slot >= 0 ? &t->worker->process->tunnels->slots[t->slot] : NULL;
}

/* ---- the record ---------------------------------------------------------------------------------- */

static void side_fill(const struct tunnel_side *side, struct side_state *to)
{
	*to = (struct side_state){.frames = side->frames,
	                          .last_us = side->last_us,
	                          .bytes = side->bytes,
	                          .eof = side->eof,
	                          .shut = side->shut};
}

/* What changes; written at every message, so it is kept short. */
static void state_fill(const struct tunnel *t, struct tunnel_state *to)
{
	to->heartbeat = t->page.heartbeat;
	to->client_closed_first = t->client_closed_first;
	to->reported = t->reported;
	side_fill(&t->client, &to->client);
	side_fill(&t->upstream, &to->upstream);
}

static void handoff_fill(const struct tunnel *t, struct handoff_record *p)
{
	*p = (struct handoff_record){.kind = HANDOFF_TUNNEL,
	                             .id = t->id,
	                             .opened_us = t->opened_us,
	                             .slot = t->slot,
	                             .table = t->slot >= 0 ? t->worker->process->tunnels->id : 0,
	                             .client_pending = (uint32_t)buf_len(&t->client.out),
	                             .upstream_pending = (uint32_t)buf_len(&t->upstream.out),
	                             .session_len = (uint32_t)strlen(recheck_session(t->recheck))};
	event_set(p->user, t->user);
	event_set(p->address, t->address);
	event_set(p->colo, t->colo);
	state_fill(t, &p->state);
}

size_t tunnel_pack(const struct tunnel *t, char *out, size_t size, int fds[2])
{
	size_t client = buf_len(&t->client.out), upstream = buf_len(&t->upstream.out);
	struct handoff_record p;

	handoff_fill(t, &p);
	if (t->work || client > TUNNEL_PENDING_MAX || upstream > TUNNEL_PENDING_MAX ||
	    sizeof p + client + upstream + p.session_len > size)
		return 0;
	memcpy(out, &p, sizeof p);
	if (client > 0)
		memcpy(out + sizeof p, buf_at(&t->client.out), client);
	if (upstream > 0)
		memcpy(out + sizeof p + client, buf_at(&t->upstream.out), upstream);
	if (p.session_len > 0)
		memcpy(out + sizeof p + client + upstream, recheck_session(t->recheck), p.session_len);
	fds[0] = t->client.io.fd;
	fds[1] = t->upstream.io.fd;
	return sizeof p + client + upstream + p.session_len;
}

static void side_read(struct tunnel_side *side, const struct side_state *from)
{
	side->frames = ws_frames_valid(&from->frames) ? from->frames : (struct ws_frames){.garbage = true};
	side->last_us = from->last_us;
	side->bytes = from->bytes;
	side->counted = from->bytes;
	side->eof = from->eof;
	side->shut = from->shut;
}

/* In a table of this process, or of another worker, which the supervisor knows. */
static int drop_report(struct process *process, uint64_t table, int32_t slot, uint64_t tunnel)
{
	const struct msg_slot m = {.table = table, .tunnel = tunnel, .slot = slot};

	return slot < 0 ? 0 : channel_send(process->channel, MSG_FD_DROP, PROCESS_SUPERVISOR, 0, &m, sizeof m);
}

void tunnel_unpack(struct tunnel *t, const struct handoff_record *p)
{
	const struct tunnel_table *tunnels = t->worker->process->tunnels;

	t->id = p->id;
	t->opened_us = p->opened_us;
	t->steady_us = clock_mono_us(); /* nobody listened meanwhile */
	t->page.heartbeat = p->state.heartbeat;
	t->client_closed_first = p->state.client_closed_first;
	t->reported = p->state.reported;
	side_read(&t->client, &p->state.client);
	side_read(&t->upstream, &p->state.upstream);
	if (tunnels && p->table == tunnels->id && p->slot >= 0 && p->slot < TUNNEL_SLOTS) {
		t->slot = p->slot;
		tunnel_slot_open(t);
		slot_of(t)->held = 0; /* it came along with the record */
	} else {
		tunnel_slot_put(t); /* it was another worker's, or an earlier supervisor's */
		drop_report(t->worker->process, p->table, p->slot, p->id);
	}
}

/* ---- the slot ------------------------------------------------------------------------------------ */

void tunnel_slot_put(struct tunnel *t)
{
	struct process *process = t->worker->process;
	int fds[2] = {t->client.io.fd, t->upstream.io.fd};
	struct msg_fd_put m = {.at.tunnel = t->id};

	t->slot = tunnel_table_take(process->tunnels, process->serial);
	if (t->slot < 0) {
		if (process->tunnels)
			tunnel_full_report(&t->worker->metrics.slots_full);
		return;
	}
	slot_of(t)->tunnel = t->id;
	slot_of(t)->opened_us = t->opened_us;
	event_set(slot_of(t)->colo, t->colo);
	state_fill(t, &slot_of(t)->state);
	m.at.table = process->tunnels->id;
	m.at.slot = t->slot;
	event_set(m.user, t->user);
	event_set(m.address, t->address);
	channel_send_fds(process->channel, MSG_FD_PUT, PROCESS_SUPERVISOR, 0, &m, sizeof m, fds, 2);
}

void tunnel_slot_open(const struct tunnel *t)
{
	struct tunnel_slot *s = slot_of(t);

	if (s)
		tunnel_slot_dirty(s);
}

void tunnel_slot_settle(const struct tunnel *t)
{
	struct tunnel_slot *s = slot_of(t);

	if (!s || buf_len(&t->client.out) > 0 || buf_len(&t->upstream.out) > 0)
		return;
	state_fill(t, &s->state);
	tunnel_slot_clean(s);
}

static char *held_at(const struct tunnel *t, const struct tunnel_slot *s)
{
	struct tunnel_table *table = t->worker->process->tunnels;

	return table->held[s - table->slots];
}

bool tunnel_slot_hold(const struct tunnel *t, bool for_client, const char *bytes, size_t n)
{
	struct tunnel_slot *s = slot_of(t);

	if (!s || s->held > 0 || n > TUNNEL_HELD_MAX)
		return false;
	memcpy(held_at(t, s), bytes, n);
	s->held_for_client = for_client;
	s->held = (uint32_t)n;
	tunnel_slot_settle(t);
	return true;
}

struct span tunnel_slot_release_held(const struct tunnel *t, bool *for_client)
{
	struct tunnel_slot *s = slot_of(t);
	struct span held = {held_at(t, s), s->held};

	tunnel_slot_open(t);
	*for_client = s->held_for_client;
	s->held = 0;
	return held;
}

void tunnel_slot_drop(struct tunnel *t)
{
	if (t->slot < 0)
		return;
	tunnel_slot_open(t);
	if (drop_report(t->worker->process, t->worker->process->tunnels->id, t->slot, t->id) < 0) {
		/* the copies stay open for now: the peers have to see the end all the same */
		shutdown(t->client.io.fd, SHUT_RDWR);
		shutdown(t->upstream.io.fd, SHUT_RDWR);
	}
	t->slot = -1;
}

static void loss_report(struct worker *worker, const struct handoff_record *p, const char *why)
{
	struct event e;

	event_init(&e, EVENT_TUNNEL_DROP, PROCESS_PROXY);
	handoff_lost_fill(p, why, &e);
	e.page.end = PAGE_END_LOST;
	proxy_metrics_tunnel_close(&worker->metrics, T3OPS_R_LOCAL);
	process_emit(worker->process, &e);
}

void tunnel_lose(struct worker *worker, const char *bytes, size_t n, const char *why)
{
	struct handoff_record p;

	if (n < sizeof p)
		return;
	memcpy(&p, bytes, sizeof p);
	drop_report(worker->process, p.table, p.slot, p.id);
	if (!p.state.reported)
		loss_report(worker, &p, why);
}

void tunnel_slot_give(const struct tunnel *t, uint32_t proxy)
{
	struct tunnel_slot *s = slot_of(t);

	if (s)
		tunnel_slot_assign(s, proxy);
}
