/* SPDX-License-Identifier: MIT */
/* What a tunnel leaves behind for another front; see tunnel_slot.h. */
#include "front/tunnel_slot.h"

#include <string.h>
#include <sys/socket.h>

static struct tunnel_slot *slot_of(const struct tunnel *t)
{
	return t->slot >= 0 ? &t->front->room->book->slots[t->slot] : NULL;
}

/* ---- the parcel ---------------------------------------------------------------------------------- */

static void end_fill(const struct tunnel_end *e, struct end_state *to)
{
	*to = (struct end_state){
	    .frames = e->frames, .last_us = e->last_us, .bytes = e->bytes, .eof = e->eof, .shut = e->shut};
}

/* What changes; written at every message, so it is kept short. */
static void state_fill(const struct tunnel *t, struct tunnel_state *to)
{
	to->unanswered_us = t->unanswered_us;
	to->gave_up_us = t->gave_up_us;
	to->client_closed_first = t->client_closed_first;
	to->told = t->told;
	end_fill(&t->client, &to->client);
	end_fill(&t->serve, &to->serve);
}

static void parcel_fill(const struct tunnel *t, struct tunnel_parcel *p)
{
	*p = (struct tunnel_parcel){.id = t->id,
	                            .opened_us = t->opened_us,
	                            .slot = t->slot,
	                            .book = t->slot >= 0 ? t->front->room->book->id : 0,
	                            .client_pending = (uint32_t)buf_len(&t->client.out),
	                            .serve_pending = (uint32_t)buf_len(&t->serve.out),
	                            .session_len = t->session ? (uint32_t)strlen(t->session) : 0};
	event_set(p->user, t->user);
	event_set(p->address, t->address);
	event_set(p->colo, t->colo);
	state_fill(t, &p->state);
}

size_t tunnel_pack(const struct tunnel *t, char *out, size_t size, int fds[2])
{
	size_t client = buf_len(&t->client.out), serve = buf_len(&t->serve.out);
	struct tunnel_parcel p;

	parcel_fill(t, &p);
	if (client > TUNNEL_PENDING_MAX || serve > TUNNEL_PENDING_MAX || sizeof p + client + serve + p.session_len > size)
		return 0;
	memcpy(out, &p, sizeof p);
	if (client > 0)
		memcpy(out + sizeof p, buf_at(&t->client.out), client);
	if (serve > 0)
		memcpy(out + sizeof p + client, buf_at(&t->serve.out), serve);
	if (p.session_len > 0)
		memcpy(out + sizeof p + client + serve, t->session, p.session_len);
	fds[0] = t->client.rd.fd;
	fds[1] = t->serve.rd.fd;
	return sizeof p + client + serve + p.session_len;
}

static void end_read(struct tunnel_end *e, const struct end_state *from)
{
	e->frames = from->frames;
	e->last_us = from->last_us;
	e->bytes = from->bytes;
	e->eof = from->eof;
	e->shut = from->shut;
}

void tunnel_unpack(struct tunnel *t, const struct tunnel_parcel *p)
{
	const struct tunnel_book *book = t->front->room->book;

	t->id = p->id;
	t->opened_us = p->opened_us;
	t->unanswered_us = p->state.unanswered_us;
	t->gave_up_us = p->state.gave_up_us;
	t->client_closed_first = p->state.client_closed_first;
	t->told = p->state.told;
	end_read(&t->client, &p->state.client);
	end_read(&t->serve, &p->state.serve);
	if (book && p->book == book->id && p->slot >= 0 && p->slot < TUNNEL_SLOTS) {
		t->slot = p->slot;
		tunnel_dirty(t);
	} else {
		tunnel_keep(t); /* the book of an earlier supervisor */
	}
}

/* ---- the slot ------------------------------------------------------------------------------------ */

static int slot_tell(struct room *room, enum msg_type type, int32_t slot, uint64_t tunnel, const int *fds, size_t n)
{
	struct msg_slot m = {.book = room->book->id, .tunnel = tunnel, .slot = slot};

	return chan_send_fds(room->chan, type, ROOM_SUPERVISOR, 0, &m, sizeof m, fds, n);
}

void tunnel_keep(struct tunnel *t)
{
	int fds[2] = {t->client.rd.fd, t->serve.rd.fd};

	t->slot = book_take(t->front->room->book, t->front->room->serial);
	if (t->slot < 0)
		return;
	parcel_fill(t, &slot_of(t)->parcel);
	slot_of(t)->parcel.client_pending = slot_of(t)->parcel.serve_pending = 0; /* clean means none */
	slot_of(t)->parcel.session_len = 0;
	slot_tell(t->front->room, MSG_KEEP, t->slot, t->id, fds, 2);
}

void tunnel_dirty(const struct tunnel *t)
{
	struct tunnel_slot *s = slot_of(t);

	if (s)
		slot_dirty(s);
}

void tunnel_settle(const struct tunnel *t)
{
	struct tunnel_slot *s = slot_of(t);

	if (!s || buf_len(&t->client.out) > 0 || buf_len(&t->serve.out) > 0)
		return;
	state_fill(t, &s->parcel.state);
	slot_clean(s);
}

void tunnel_let_go(struct tunnel *t)
{
	if (t->slot < 0)
		return;
	tunnel_dirty(t);
	if (slot_tell(t->front->room, MSG_LET_GO, t->slot, t->id, NULL, 0) < 0) {
		/* the copies stay open for now: the peers have to see the end all the same */
		shutdown(t->client.rd.fd, SHUT_RDWR);
		shutdown(t->serve.rd.fd, SHUT_RDWR);
	}
	t->slot = -1;
}

static void loss_tell(struct front *f, const struct tunnel_parcel *p, const char *why)
{
	struct event e;

	event_init(&e, EVENT_TUNNEL_CLOSED, ROOM_FRONT);
	parcel_lost_fill(p, why, &e);
	front_metrics_tunnel_end(&f->metrics, T3OPS_R_LOCAL);
	room_emit(f->room, &e);
}

void tunnel_lose(struct front *f, const char *bytes, size_t n, const char *why)
{
	const struct tunnel_book *book = f->room->book;
	struct tunnel_parcel p;

	if (n < sizeof p)
		return;
	memcpy(&p, bytes, sizeof p);
	if (book && p.book == book->id)
		slot_tell(f->room, MSG_LET_GO, p.slot, p.id, NULL, 0);
	if (!p.state.told)
		loss_tell(f, &p, why);
}

void tunnel_assign(const struct tunnel *t, uint32_t front)
{
	struct tunnel_slot *s = slot_of(t);

	if (s)
		slot_assign(s, front);
}
