/* SPDX-License-Identifier: MIT */
/*
 * Keeping tunnels: copies of their descriptors, so that they outlive a front that dies.  What was clean
 * in the book goes to the next front as parcels (base/tunnel_book.h); what was not is cut, since a byte of
 * it may be lost.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "supervisor/supervisor_state.h"

/* Of the descriptors that this process may have, tunnels get that share. */
#define SHARE_OF_LIMIT(n) ((n) / 8 * 7)

/* Parcels on their way to a front. */
struct errand {
	struct supervisor *supervisor;
	struct ev_io io;
	uint32_t front; /* its serial */
	uint32_t next;  /* slot */
	size_t moved;
};

/* Takes the book, NULL with errno: there is none. */
static void keep_begin(struct supervisor *s, struct tunnel_book *book, int fd)
{
	s->book = book;
	s->book_fd = fd;
	s->kept = book ? calloc(TUNNEL_SLOTS, sizeof *s->kept) : NULL;
	if (s->kept)
		return;
	log_line(LOG_L_WARNING, "keep_failed", "error=\"%s\" effect=\"tunnels do not outlive a crash of the front\"",
	         strerror(errno));
	book_free(s->book);
	s->book = NULL;
}

void keep_init(struct supervisor *s)
{
	int fd;
	struct tunnel_book *book = book_new(&fd);

	keep_begin(s, book, fd);
}

/* ---- the next binary ------------------------------------------------------------------------------------- */

json_t *keep_json(const struct supervisor *s)
{
	json_t *kept = json_array();

	for (size_t i = 0; s->kept && i < TUNNEL_SLOTS; i++)
		if (s->kept[i].held)
			json_array_append_new(kept, json_pack("[i, i, i]", (int)i, s->kept[i].fds[0], s->kept[i].fds[1]));
	return json_pack("{s:i, s:o}", "fd", s->book_fd, "kept", kept);
}

void keep_survive(const struct supervisor *s, bool yes)
{
	int flags = yes ? 0 : FD_CLOEXEC;

	if (s->book_fd >= 0)
		fcntl(s->book_fd, F_SETFD, flags);
	for (size_t i = 0; s->kept && i < TUNNEL_SLOTS; i++)
		for (size_t k = 0; s->kept[i].held && k < 2; k++)
			fcntl(s->kept[i].fds[k], F_SETFD, flags);
}

void keep_adopt(struct supervisor *s, const json_t *state)
{
	int fd = (int)plan_int(state, "fd");
	struct tunnel_book *book = fd >= 0 ? book_attach(fd) : NULL;
	json_t *row;
	size_t i;

	if (book) {
		keep_begin(s, book, fd);
	} else {
		keep_init(s); /* of another layout: the tunnels are kept anew when they move */
		if (fd >= 0)
			close(fd);
	}
	json_array_foreach (json_object_get(state, "kept"), i, row) {
		int slot = -1, fds[2] = {-1, -1};

		json_unpack(row, "[i, i, i]", &slot, &fds[0], &fds[1]);
		if (book && s->kept && slot >= 0 && slot < TUNNEL_SLOTS) {
			s->kept[slot] = (struct kept){.fds = {fds[0], fds[1]}, .held = true};
			continue;
		}
		close(fds[0]);
		close(fds[1]);
	}
	keep_survive(s, false);
}

/* ---- while its front lives ----------------------------------------------------------------------------- */

/* Nobody has it any more. */
static void let_go(struct supervisor *s, size_t slot)
{
	struct kept *k = &s->kept[slot];

	if (k->held) {
		close(k->fds[0]);
		close(k->fds[1]);
	}
	k->held = false;
	if (slot_mark_read(&s->book->slots[slot]) != SLOT_FREE)
		slot_release(&s->book->slots[slot]);
}

/* False, too, for a slot that another tunnel has by now: its last front's LET_GO came before its first one's
 * KEEP. */
static bool is_ours(const struct supervisor *s, const struct msg_slot *m)
{
	return s->book && m->book == s->book->id && m->slot >= 0 && m->slot < TUNNEL_SLOTS &&
	       slot_is_of(&s->book->slots[m->slot], m->tunnel);
}

static bool is_affordable(const int fds[2])
{
	struct rlimit limit;
	int most = fds[0] > fds[1] ? fds[0] : fds[1];

	return getrlimit(RLIMIT_NOFILE, &limit) == 0 && (rlim_t)most < SHARE_OF_LIMIT(limit.rlim_cur);
}

/* Takes the descriptors if there is room for them. */
static void keep(struct supervisor *s, const struct msg_slot *m, const int fds[CHAN_FDS], size_t n)
{
	struct kept *k = &s->kept[m->slot];

	if (n == 2 && !k->held && is_affordable(fds)) {
		*k = (struct kept){.fds = {fds[0], fds[1]}, .held = true};
		return;
	}
	for (size_t i = 0; i < n; i++)
		close(fds[i]);
}

void keep_message(struct child *c, const struct msg_head *head, const void *payload)
{
	struct supervisor *s = c->supervisor;
	struct msg_slot m = {.slot = -1};
	int fds[CHAN_FDS];

	if (c->room == ROOM_FRONT && head->len == sizeof m)
		memcpy(&m, payload, sizeof m);
	if (!is_ours(s, &m))
		return; /* of the book of an earlier binary, or of a tunnel that is gone */
	if (head->type == MSG_KEEP)
		keep(s, &m, fds, chan_take_fds(c->chan, fds));
	else
		let_go(s, (size_t)m.slot);
}

/* ---- when a front is gone ------------------------------------------------------------------------------ */

static bool is_alive(const struct supervisor *s, uint32_t serial)
{
	const struct child *c;

	TAILQ_FOREACH(c, &s->children, link)
	if (c->serial == serial && c->state != ROOM_DEAD)
		return true;
	return false;
}

static bool is_orphan(const struct supervisor *s, size_t slot)
{
	return s->kept[slot].held && !is_alive(s, slot_serial(&s->book->slots[slot]));
}

static struct series *fate_series(struct supervisor *s, const char *fate)
{
	static const struct t3ops_metric family = {
	    .name = "t3ops_orphaned_tunnels_total",
	    .type = T3OPS_COUNTER,
	    .labels = {"fate"},
	    .help = "Tunnels whose front died: kept for the next one, or cut, since bytes were under way."};

	return metrics_series(s->metrics, &family, NULL, NULL, (const char *[]){fate});
}

static void cut_tell(struct supervisor *s, const struct tunnel_parcel *p)
{
	struct event e;

	event_init(&e, EVENT_TUNNEL_CLOSED, ROOM_SUPERVISOR);
	parcel_lost_fill(p, "the front died while bytes of it were under way", &e);
	supervisor_emit(s, &e);
}

void keep_front_ended(struct supervisor *s, const struct child *front, bool asked)
{
	size_t clean = 0, cut = 0;

	for (size_t i = 0; s->kept && i < TUNNEL_SLOTS; i++) {
		const struct tunnel_slot *slot = &s->book->slots[i];

		if (slot_serial(slot) != front->serial)
			continue;
		if (!asked && s->kept[i].held && slot_mark_read(slot) == SLOT_CLEAN) {
			clean++;
			continue;
		}
		if (!asked && s->kept[i].held) {
			cut_tell(s, &slot->parcel);
			cut++;
		}
		let_go(s, i);
	}
	if (clean + cut == 0)
		return;
	log_line(LOG_L_NOTICE, "tunnels_kept", "count=%zu cut=%zu", clean, cut);
	series_add(fate_series(s, "kept"), clean);
	series_add(fate_series(s, "cut"), cut);
}

void keep_nothing(struct supervisor *s)
{
	for (size_t i = 0; s->kept && i < TUNNEL_SLOTS; i++)
		if (is_orphan(s, i))
			let_go(s, i);
}

/* ---- giving them to the next one ------------------------------------------------------------------------- */

static void errand_end(struct errand *e)
{
	if (e->moved > 0)
		log_line(LOG_L_NOTICE, "tunnels_given", "count=%zu", e->moved);
	ev_io_stop(e->supervisor->loop, &e->io);
	close(e->io.fd);
	e->supervisor->errand = NULL;
	free(e);
}

/* From here on it is the front's, whether it reads the parcel or dies over it. */
static int orphan_send(struct errand *e, int fd, struct tunnel_slot *slot, const int fds[2])
{
	uint32_t before = slot_serial(slot);
	struct tunnel_parcel p = slot->parcel;
	int r;

	slot_assign(slot, e->front);
	r = parcel_send(fd, &p, sizeof p, fds);
	if (r < 0)
		slot_assign(slot, before);
	return r;
}

static void on_errand(struct ev_loop *loop, struct ev_io *w, int revents)
{
	struct errand *e = w->data;
	struct supervisor *s = e->supervisor;
	int r = 0;

	(void)loop, (void)revents;
	for (; e->next < TUNNEL_SLOTS; e->next++) {
		if (!is_orphan(s, e->next))
			continue;
		r = orphan_send(e, w->fd, &s->book->slots[e->next], s->kept[e->next].fds);
		if (r < 0)
			break;
		e->moved++;
	}
	if (r != -EAGAIN)
		errand_end(e);
}

/* The front's hello is read before anything is sent: a socket closed over it would be reset, and what is
 * in it lost. */
static void on_hello(struct ev_loop *loop, struct ev_io *w, int revents)
{
	struct errand *e = w->data;
	int r = tunnel_hello_recv(w->fd);

	(void)revents;
	if (r == -EAGAIN)
		return;
	if (r < 0) {
		errand_end(e);
		return;
	}
	ev_io_stop(loop, w);
	ev_io_init(w, on_errand, w->fd, EV_WRITE);
	ev_io_start(loop, w);
}

void keep_give(struct supervisor *s, struct child *front)
{
	struct errand *e;
	size_t first = 0;
	int fds[2];

	while (s->kept && first < TUNNEL_SLOTS && !is_orphan(s, first))
		first++;
	if (!s->kept || first == TUNNEL_SLOTS)
		return;
	if (s->errand)
		errand_end(s->errand); /* to one that died over it */
	e = calloc(1, sizeof *e);
	if (!e || chan_pair(fds) < 0) {
		free(e);
		return; /* the next front may get them */
	}
	chan_send_fds(front->chan, MSG_TAKE, front->serial, 0, NULL, 0, &fds[1], 1);
	close(fds[1]);
	e->supervisor = s;
	e->front = front->serial;
	e->next = (uint32_t)first;
	ev_io_init(&e->io, on_hello, fds[0], EV_READ);
	e->io.data = e;
	ev_io_start(s->loop, &e->io);
	s->errand = e;
}

void keep_give_any(struct supervisor *s)
{
	for (unsigned post = 0; post < POSTS; post++) {
		struct child *c = s->current[post];

		if (c && c->room == ROOM_FRONT && c->state == ROOM_READY) {
			keep_give(s, c);
			return;
		}
	}
}

void keep_fini(struct supervisor *s)
{
	if (s->errand)
		errand_end(s->errand);
	for (size_t i = 0; s->kept && i < TUNNEL_SLOTS; i++)
		let_go(s, i);
	free(s->kept);
	book_free(s->book);
	if (s->book_fd >= 0)
		close(s->book_fd);
}
