/* SPDX-License-Identifier: MIT */
/* Keeping tunnels alive without a proxy; see fd_store.h. */
#include "supervisor/fd_store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "diagnosis/page_evidence.h"
#include "supervisor/state_json.h"

/* Of the descriptors that this process may have, tunnels get that share. */
#define SHARE_OF_LIMIT(n) ((n) / 8 * 7)

/* Records on their way to a proxy. */
struct orphan_transfer {
	struct fd_store *store;
	struct ev_io io;
	uint32_t proxy; /* its serial */
	uint32_t next;  /* slot */
	size_t moved;
};

/* Takes the tunnels, NULL with errno: there is none. */
static void fd_store_begin(struct fd_store *s, struct tunnel_table *tunnels, int fd)
{
	s->tunnels = tunnels;
	s->tunnels_fd = fd;
	s->stored = tunnels ? calloc(TUNNEL_SLOTS, sizeof *s->stored) : NULL;
	if (s->stored)
		return;
	log_write(LOG_L_WARNING, "fd_store_failed", kv_errno(errno),
	          kv_effect("WebSockets do not survive a crash of the proxy"));
	tunnel_table_free(s->tunnels);
	s->tunnels = NULL;
}

static void fd_store_new(struct fd_store *s)
{
	int fd;
	struct tunnel_table *tunnels = tunnel_table_new(&fd);

	fd_store_begin(s, tunnels, fd);
}

static struct series *fate_series(struct fd_store *s, const char *fate)
{
	static const struct t3ops_metric family = {
	    .name = "t3ops_orphaned_tunnels_total",
	    .type = T3OPS_COUNTER,
	    .labels = {"fate"},
	    .help = "WebSockets whose proxy died: kept for the next one, or cut because bytes were in transit."};

	return metrics_series(s->processes->host.metrics, &family, NULL, NULL, (const char *[]){fate});
}

void fd_store_init(struct fd_store *s, const struct process_table *processes, struct monitor_link *monitor)
{
	*s = (struct fd_store){.processes = processes, .monitor = monitor};
	fd_store_new(s);
	fate_series(s, "stored");
	fate_series(s, "cut");
}

struct tunnel_table *fd_store_inherit(const struct fd_store *s, enum process_id process)
{
	if (process == PROCESS_PROXY)
		return s->tunnels;
	tunnel_table_free(s->tunnels); /* nobody else writes there */
	return NULL;
}

/* ---- the next binary ------------------------------------------------------------------------------------- */

json_t *fd_store_json(const struct fd_store *s)
{
	json_t *stored = json_array();

	for (size_t i = 0; s->stored && i < TUNNEL_SLOTS; i++)
		if (s->stored[i].held)
			json_array_append_new(
			    stored, json_pack("[i, i, i]", (int)i, s->stored[i].fds[0], s->stored[i].fds[1]));
	return json_pack("{s:i, s:o}", "fd", s->tunnels_fd, "stored", stored);
}

void fd_store_survive(const struct fd_store *s, bool yes)
{
	int flags = yes ? 0 : FD_CLOEXEC;

	if (s->tunnels_fd >= 0)
		fcntl(s->tunnels_fd, F_SETFD, flags);
	for (size_t i = 0; s->stored && i < TUNNEL_SLOTS; i++)
		for (size_t k = 0; s->stored[i].held && k < 2; k++)
			fcntl(s->stored[i].fds[k], F_SETFD, flags);
}

void fd_store_adopt(struct fd_store *s, const struct process_table *processes, struct monitor_link *monitor,
                    const json_t *state)
{
	int fd = (int)state_int(state, "fd");
	struct tunnel_table *tunnels = fd >= 0 ? tunnel_table_attach(fd) : NULL;
	json_t *row;
	size_t i;

	*s = (struct fd_store){.processes = processes, .monitor = monitor};
	if (tunnels) {
		fd_store_begin(s, tunnels, fd);
	} else {
		fd_store_new(s); /* of another layout: the tunnels are stored anew when they move */
		if (fd >= 0)
			close(fd);
	}
	json_array_foreach (json_object_get(state, "stored"), i, row) {
		int slot = -1, fds[2] = {-1, -1};

		json_unpack(row, "[i, i, i]", &slot, &fds[0], &fds[1]);
		if (tunnels && s->stored && slot >= 0 && slot < TUNNEL_SLOTS) {
			s->stored[slot] = (struct stored){.fds = {fds[0], fds[1]}, .held = true};
			continue;
		}
		close(fds[0]);
		close(fds[1]);
	}
	fd_store_survive(s, false);
}

/* ---- while its proxy lives ----------------------------------------------------------------------------- */

/* Nobody has it any more. */
static void drop(struct fd_store *s, size_t slot)
{
	struct stored *k = &s->stored[slot];

	if (k->held) {
		close(k->fds[0]);
		close(k->fds[1]);
	}
	k->held = false;
	if (tunnel_slot_mark_read(&s->tunnels->slots[slot]) != SLOT_FREE)
		tunnel_slot_release(&s->tunnels->slots[slot]);
}

/* False, too, for a slot that another tunnel has by now: its last proxy's FD_DROP came before its first one's
 * FD_PUT. */
static bool is_ours(const struct fd_store *s, const struct msg_slot *m)
{
	return s->tunnels && m->table == s->tunnels->id && m->slot >= 0 && m->slot < TUNNEL_SLOTS &&
	       tunnel_slot_is_of(&s->tunnels->slots[m->slot], m->tunnel);
}

static bool is_affordable(const int fds[2])
{
	struct rlimit limit;
	int most = fds[0] > fds[1] ? fds[0] : fds[1];

	return getrlimit(RLIMIT_NOFILE, &limit) == 0 && (rlim_t)most < SHARE_OF_LIMIT(limit.rlim_cur);
}

/* Takes the descriptors if there is room for them. */
static void put(struct fd_store *s, const struct msg_slot *m, const int fds[CHANNEL_FDS], size_t n)
{
	struct stored *k = &s->stored[m->slot];

	if (n == 2 && !k->held && is_affordable(fds)) {
		*k = (struct stored){.fds = {fds[0], fds[1]}, .held = true};
		return;
	}
	for (size_t i = 0; i < n; i++)
		close(fds[i]);
}

void fd_store_message(struct fd_store *s, struct child *proxy, const struct msg_head *head, const void *payload)
{
	struct msg_slot m = {.slot = -1};
	int fds[CHANNEL_FDS];

	if (head->len == sizeof m)
		memcpy(&m, payload, sizeof m);
	if (!is_ours(s, &m))
		return; /* of the tunnels of an earlier binary, or of a tunnel that is gone */
	if (head->type == MSG_FD_PUT)
		put(s, &m, fds, channel_take_fds(proxy->channel, fds));
	else
		drop(s, (size_t)m.slot);
}

/* ---- when a proxy is gone ------------------------------------------------------------------------------ */

static bool is_alive(const struct fd_store *s, uint32_t serial)
{
	const struct child *c = process_table_find(s->processes, serial);

	return c && c->state != PROCESS_DEAD;
}

static bool is_orphan(const struct fd_store *s, size_t slot)
{
	return s->stored[slot].held && !is_alive(s, tunnel_slot_serial(&s->tunnels->slots[slot]));
}

static void cut_report(struct fd_store *s, const struct handoff_record *p)
{
	struct event e;

	event_init(&e, EVENT_TUNNEL_DROP, PROCESS_SUPERVISOR);
	handoff_lost_fill(p, "the proxy died while bytes of it were in transit", &e);
	e.page.end = PAGE_END_LOST;
	monitor_link_emit(s->monitor, &e);
}

void fd_store_proxy_exited(struct fd_store *s, const struct child *proxy, bool asked)
{
	size_t clean = 0, cut = 0;

	for (size_t i = 0; s->stored && i < TUNNEL_SLOTS; i++) {
		const struct tunnel_slot *slot = &s->tunnels->slots[i];

		if (tunnel_slot_serial(slot) != proxy->serial)
			continue;
		if (!asked && s->stored[i].held && tunnel_slot_mark_read(slot) == SLOT_CLEAN) {
			clean++;
			continue;
		}
		if (!asked && tunnel_slot_mark_read(slot) != SLOT_FREE && !slot->record.state.reported) {
			cut_report(s, &slot->record); /* without copies of its descriptors, too */
			cut++;
		}
		drop(s, i);
	}
	if (clean + cut == 0)
		return;
	log_write(LOG_L_NOTICE, "tunnels_preserved", kv_tunnels((int64_t)clean), kv_dropped((int64_t)cut));
	series_add(fate_series(s, "stored"), clean);
	series_add(fate_series(s, "cut"), cut);
}

void fd_store_cut(struct fd_store *s)
{
	for (size_t i = 0; s->stored && i < TUNNEL_SLOTS; i++)
		if (is_orphan(s, i))
			drop(s, i);
}

/* ---- giving them to the next one ------------------------------------------------------------------------- */

static void orphan_transfer_end(struct orphan_transfer *e)
{
	if (e->moved > 0)
		log_write(LOG_L_NOTICE, "tunnels_sent", kv_tunnels((int64_t)e->moved));
	ev_io_stop(e->store->processes->host.loop, &e->io);
	close(e->io.fd);
	e->store->transfer = NULL;
	free(e);
}

/* From here on it is the proxy's, whether it reads the record or dies over it. */
static int orphan_send(struct orphan_transfer *e, int fd, struct tunnel_slot *slot, const int fds[2])
{
	uint32_t before = tunnel_slot_serial(slot);
	struct handoff_record p = slot->record;
	int r;

	tunnel_slot_assign(slot, e->proxy);
	r = handoff_send(fd, &p, sizeof p, fds, 2);
	if (r < 0)
		tunnel_slot_assign(slot, before);
	return r;
}

static void on_orphan_transfer(struct ev_loop *loop, struct ev_io *w, int revents)
{
	struct orphan_transfer *e = w->data;
	struct fd_store *s = e->store;
	int r = 0;

	(void)loop, (void)revents;
	for (; e->next < TUNNEL_SLOTS; e->next++) {
		if (!is_orphan(s, e->next))
			continue;
		r = orphan_send(e, w->fd, &s->tunnels->slots[e->next], s->stored[e->next].fds);
		if (r < 0)
			break;
		e->moved++;
	}
	if (r != -EAGAIN)
		orphan_transfer_end(e);
}

/* The proxy's hello is read before anything is sent: a socket closed over it would be reset, and what is
 * in it lost. */
static void on_hello(struct ev_loop *loop, struct ev_io *w, int revents)
{
	struct orphan_transfer *e = w->data;
	int r = tunnel_hello_recv(w->fd);

	(void)revents;
	if (r == -EAGAIN)
		return;
	if (r < 0) {
		orphan_transfer_end(e);
		return;
	}
	ev_io_stop(loop, w);
	ev_io_init(w, on_orphan_transfer, w->fd, EV_WRITE);
	ev_io_start(loop, w);
}

void fd_store_transfer(struct fd_store *s, struct child *proxy)
{
	struct orphan_transfer *e;
	size_t first = 0;
	int fds[2];

	while (s->stored && first < TUNNEL_SLOTS && !is_orphan(s, first))
		first++;
	if (!s->stored || first == TUNNEL_SLOTS)
		return;
	if (s->transfer)
		orphan_transfer_end(s->transfer); /* to one that died over it */
	e = calloc(1, sizeof *e);
	if (!e || channel_pair(fds) < 0) {
		free(e);
		return; /* the next proxy may get them */
	}
	channel_send_fds(proxy->channel, MSG_TAKE, proxy->serial, 0, NULL, 0, &fds[1], 1);
	close(fds[1]);
	e->store = s;
	e->proxy = proxy->serial;
	e->next = (uint32_t)first;
	ev_io_init(&e->io, on_hello, fds[0], EV_READ);
	e->io.data = e;
	ev_io_start(s->processes->host.loop, &e->io);
	s->transfer = e;
}

void fd_store_transfer_any(struct fd_store *s)
{
	for (unsigned slot = 0; slot < PROCESS_SLOTS; slot++) {
		struct child *c = s->processes->current[slot];

		if (c && c->process == PROCESS_PROXY && c->state == PROCESS_READY) {
			fd_store_transfer(s, c);
			return;
		}
	}
}

void fd_store_fini(struct fd_store *s)
{
	if (s->transfer)
		orphan_transfer_end(s->transfer);
	for (size_t i = 0; s->stored && i < TUNNEL_SLOTS; i++)
		drop(s, i);
	free(s->stored);
	tunnel_table_free(s->tunnels);
	if (s->tunnels_fd >= 0)
		close(s->tunnels_fd);
}
