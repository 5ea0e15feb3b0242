/* SPDX-License-Identifier: MIT */
/* Keeping tunnels alive without a proxy; see fd_store.h. */
#include "supervisor/fd_store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "diagnosis/page_evidence.h"
#include "supervisor/state_json.h"
#include "sys/fdpass.h"
#include "sys/utf8.h"

/* Of the descriptors that this process may have, tunnels get that share. */
#define SHARE_OF_LIMIT(n) ((n) / 8 * 7)

/* Slots of all workers, one after the other. */
#define ORPHANS_END ((uint32_t)WORKERS_MAX * TUNNEL_SLOTS)

/* Records on their way to a proxy. */
struct orphan_transfer {
	struct fd_store *store;
	struct ev_io io;
	uint32_t proxy; /* its serial */
	uint32_t next;  /* slot */
	size_t moved;
};

static void worker_begin(struct worker_store *w, struct tunnel_table *table, int fd)
{
	*w = (struct worker_store){.table = table, .id = table ? table->id : 0, .fd = fd};
	w->stored = table ? calloc(TUNNEL_SLOTS, sizeof *w->stored) : NULL;
	if (w->stored)
		return;
	log_write(LOG_L_WARNING, "fd_store_failed", kv_errno(errno),
	          kv_effect("WebSockets do not survive a crash of the proxy"));
	tunnel_table_free(table);
	w->table = NULL;
}

static void worker_new(struct worker_store *w)
{
	int fd;
	struct tunnel_table *table = tunnel_table_new(&fd);

	worker_begin(w, table, fd);
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

static void metrics_begin(struct fd_store *s)
{
	fate_series(s, "stored");
	fate_series(s, "cut");
	tunnel_full_init(&s->full, s->processes->host.metrics, TUNNEL_LIMIT_DESCRIPTORS);
}

void fd_store_init(struct fd_store *s, const struct process_table *processes, struct monitor_link *monitor)
{
	*s = (struct fd_store){.processes = processes, .monitor = monitor};
	for (unsigned i = 0; i < WORKERS_MAX; i++)
		worker_new(&s->of[i]);
	metrics_begin(s);
}

struct tunnel_table *fd_store_inherit(const struct fd_store *s, enum process_id process, unsigned worker)
{
	struct tunnel_table *own = NULL;

	for (unsigned i = 0; i < WORKERS_MAX; i++) {
		if (process == PROCESS_PROXY && i == worker)
			own = s->of[i].table;
		else
			tunnel_table_free(s->of[i].table); /* nobody else writes there */
	}
	return own;
}

/* ---- the next binary ------------------------------------------------------------------------------------- */

static bool is_known(const struct stored *k)
{
	return k->user != NULL;
}

static const char *address_of(const struct stored *k)
{
	return k->user + strlen(k->user) + 1;
}

static json_t *worker_json(const struct worker_store *w)
{
	json_t *stored = json_array();

	for (size_t i = 0; i < w->top; i++) {
		const struct stored *k = &w->stored[i];

		if (is_known(k))
			json_array_append_new(stored, json_pack("[i, I, i, i, s, s]", (int)i, (json_int_t)k->tunnel,
			                                        k->fds[0], k->fds[1], k->user, address_of(k)));
	}
	return json_pack("{s:i, s:I, s:o}", "fd", w->fd, "id", (json_int_t)w->id, "stored", stored);
}

json_t *fd_store_json(const struct fd_store *s)
{
	struct tunnel_hello layout = tunnel_layout();
	json_t *list = json_array();

	for (unsigned i = 0; i < WORKERS_MAX; i++)
		json_array_append_new(list, worker_json(&s->of[i]));
	return json_pack("{s:i, s:i, s:o}", "version", (int)layout.version, "size", (int)layout.size, "of", list);
}

static void descriptor_survive(int fd, bool yes)
{
	if (fd >= 0)
		fcntl(fd, F_SETFD, yes ? 0 : FD_CLOEXEC);
}

static void worker_survive(const struct worker_store *w, bool yes)
{
	descriptor_survive(w->fd, yes);
	for (size_t i = 0; i < w->top; i++) {
		if (!is_known(&w->stored[i]))
			continue;
		descriptor_survive(w->stored[i].fds[0], yes);
		descriptor_survive(w->stored[i].fds[1], yes);
	}
}

void fd_store_survive(const struct fd_store *s, bool yes)
{
	for (unsigned i = 0; i < WORKERS_MAX; i++)
		worker_survive(&s->of[i], yes);
}

static void stored_fini(struct stored *k)
{
	free(k->user);
	for (size_t i = 0; i < 2; i++)
		if (k->fds[i] >= 0)
			fdpass_close(k->fds[i]);
	*k = (struct stored){.fds = {-1, -1}};
}

/* Whose it is: both texts, no longer than they are.  False without memory. */
static bool stored_name(struct stored *k, const char *user, const char *address)
{
	size_t n = strlen(user) + 1, m = strlen(address) + 1;

	k->user = malloc(n + m);
	if (!k->user)
		return false;
	memcpy(k->user, user, n);
	memcpy(k->user + n, address, m);
	return true;
}

static void stored_adopt(struct worker_store *w, bool known, const json_t *row)
{
	struct stored k = {.fds = {-1, -1}};
	const char *user = "", *address = "";
	json_int_t tunnel = 0;
	int slot = -1;

	json_unpack((json_t *)(uintptr_t)row, "[i, I, i, i, s, s]", &slot, &tunnel, &k.fds[0], &k.fds[1], &user,
	            &address);
	k.tunnel = (uint64_t)tunnel;
	if (!stored_name(&k, user, address) || !known || slot < 0 || slot >= TUNNEL_SLOTS) {
		stored_fini(&k);
		return;
	}
	w->stored[slot] = k;
	w->top = w->top > (size_t)slot ? w->top : (size_t)slot + 1;
}

static void worker_adopt(struct worker_store *w, const struct tunnel_hello *layout, const json_t *state)
{
	int fd = state ? (int)state_int(state, "fd") : -1;
	struct tunnel_table *table = fd >= 0 ? tunnel_table_attach(fd, layout) : NULL;
	bool known = table != NULL;
	json_t *row;
	size_t i;

	if (known) {
		worker_begin(w, table, fd);
		w->id = (uint64_t)state_int(state, "id"); /* not what a proxy may have written there since */
	} else {
		worker_new(w); /* of another layout: the tunnels are stored anew when they move */
		if (fd >= 0)
			close(fd);
	}
	json_array_foreach (json_object_get(state, "stored"), i, row)
		stored_adopt(w, known && w->stored, row);
	worker_survive(w, false);
}

void fd_store_adopt(struct fd_store *s, const struct process_table *processes, struct monitor_link *monitor,
                    const json_t *state)
{
	const struct tunnel_hello layout = {.version = (uint32_t)state_int(state, "version"),
	                                    .size = (uint32_t)state_int(state, "size")};

	*s = (struct fd_store){.processes = processes, .monitor = monitor};
	for (unsigned i = 0; i < WORKERS_MAX; i++)
		worker_adopt(&s->of[i], &layout, json_array_get(json_object_get(state, "of"), i));
	metrics_begin(s);
}

/* ---- while its proxy lives ----------------------------------------------------------------------------- */

static struct tunnel_slot *slot_at(const struct worker_store *w, size_t slot)
{
	return &w->table->slots[slot];
}

/* Nobody has it any more. */
static void drop(struct worker_store *w, size_t slot)
{
	struct stored *k = &w->stored[slot];

	if (is_known(k))
		stored_fini(k);
	if (tunnel_slot_mark_read(slot_at(w, slot)) != SLOT_FREE)
		tunnel_slot_release(slot_at(w, slot));
}

/* NULL: of the tunnels of an earlier binary. */
static struct worker_store *worker_find(struct fd_store *s, const struct msg_slot *m)
{
	for (unsigned i = 0; i < WORKERS_MAX; i++)
		if (s->of[i].table && s->of[i].id == m->table && m->slot >= 0 && m->slot < TUNNEL_SLOTS)
			return &s->of[i];
	return NULL;
}

static struct worker_store *own_store(struct fd_store *s, const struct child *proxy)
{
	return &s->of[process_slot_worker(proxy->slot)];
}

static bool is_affordable(const int fds[2])
{
	struct rlimit limit;
	int most = fds[0] > fds[1] ? fds[0] : fds[1];

	return getrlimit(RLIMIT_NOFILE, &limit) == 0 && (rlim_t)most < SHARE_OF_LIMIT(limit.rlim_cur);
}

static bool are_sockets(const int fds[2])
{
	struct stat st[2];

	return fstat(fds[0], &st[0]) == 0 && fstat(fds[1], &st[1]) == 0 && S_ISSOCK(st[0].st_mode) &&
	       S_ISSOCK(st[1].st_mode);
}

static bool is_text(const char *text, size_t size)
{
	return memchr(text, '\0', size) && utf8_valid(text);
}

/* Whether it is one that a proxy may ask for, of a tunnel that is there: the FD_DROP of the last proxy that had it
 * may have come before the FD_PUT of its first one. */
static bool may_put(const struct worker_store *w, const struct msg_fd_put *m)
{
	return w && !is_known(&w->stored[m->at.slot]) && is_text(m->user, sizeof m->user) &&
	       is_text(m->address, sizeof m->address) &&
	       tunnel_slot_is_of(slot_at(w, (size_t)m->at.slot), m->at.tunnel);
}

/* Whose it is stands from here on, whatever is written into the table; the descriptors are kept if there is room. */
static void put(struct fd_store *s, struct child *proxy, const struct msg_fd_put *m)
{
	struct worker_store *w = worker_find(s, &m->at);
	struct stored k = {.tunnel = m->at.tunnel, .fds = {-1, -1}};
	int fds[CHANNEL_FDS];
	size_t n = channel_take_fds(proxy->channel, fds);
	bool kept = n == 2 && w == own_store(s, proxy) && may_put(w, m) && are_sockets(fds) &&
	            stored_name(&k, m->user, m->address),
	     room = kept && is_affordable(fds);

	if (kept) {
		if (room)
			memcpy(k.fds, fds, sizeof k.fds);
		else
			tunnel_full_report(&s->full);
		w->stored[m->at.slot] = k;
		w->top = w->top > (size_t)m->at.slot ? w->top : (size_t)m->at.slot + 1;
	}
	for (size_t i = 0; i < n && !room; i++)
		fdpass_close(fds[i]);
}

/* One of its own, or one that came from another worker. */
static void drop_asked(struct fd_store *s, const struct child *proxy, const struct msg_slot *m)
{
	struct worker_store *w = worker_find(s, m);
	const struct stored *k = w ? &w->stored[m->slot] : NULL;
	const struct tunnel_slot *slot = w ? slot_at(w, (size_t)m->slot) : NULL;

	if (!w || (w != own_store(s, proxy) && tunnel_slot_serial(slot) != proxy->serial))
		return;
	if (is_known(k) ? k->tunnel == m->tunnel : tunnel_slot_is_of(slot, m->tunnel))
		drop(w, (size_t)m->slot);
}

void fd_store_message(struct fd_store *s, struct child *proxy, const struct msg_head *head, const void *payload)
{
	struct msg_fd_put m;

	if (head->type == MSG_FD_PUT && head->len == sizeof m) {
		memcpy(&m, payload, sizeof m);
		put(s, proxy, &m);
	} else if (head->type == MSG_FD_DROP && head->len == sizeof m.at) {
		memcpy(&m.at, payload, sizeof m.at);
		drop_asked(s, proxy, &m.at);
	}
}

/* ---- when a proxy is gone ------------------------------------------------------------------------------ */

static bool is_alive(const struct fd_store *s, uint32_t serial)
{
	const struct child *c = process_table_find(s->processes, serial);

	return c && c->state != PROCESS_DEAD;
}

static bool is_held(const struct stored *k)
{
	return is_known(k) && k->fds[0] >= 0;
}

static bool is_orphan(const struct fd_store *s, const struct worker_store *w, size_t slot)
{
	return is_held(&w->stored[slot]) && !is_alive(s, tunnel_slot_serial(slot_at(w, slot)));
}

/* What the table says of a tunnel, and the supervisor itself: whose it is, and where it is stored. */
static struct handoff_record record_of(const struct worker_store *w, size_t slot)
{
	const struct stored *k = &w->stored[slot];
	const struct tunnel_slot *t = slot_at(w, slot);
	struct handoff_record p = {.kind = HANDOFF_TUNNEL,
	                           .id = k->tunnel,
	                           .opened_us = t->opened_us,
	                           .table = w->id,
	                           .slot = (int32_t)slot,
	                           .state = t->state};
	uint32_t held = (uint32_t)tunnel_slot_held(t);

	event_set(p.user, k->user);
	event_set(p.address, address_of(k));
	memcpy(p.colo, t->colo, sizeof p.colo);
	p.colo[sizeof p.colo - 1] = '\0';
	if (t->held_for_client)
		p.client_pending = held;
	else
		p.upstream_pending = held;
	return p;
}

static void cut_report(struct fd_store *s, const struct handoff_record *p)
{
	struct event e;

	event_init(&e, EVENT_TUNNEL_DROP, PROCESS_SUPERVISOR);
	handoff_lost_fill(p, "the proxy died while bytes of it were in transit", &e);
	e.page.end = PAGE_END_LOST;
	monitor_link_emit(s->monitor, &e);
}

/* Of one slot; whether it goes on, or is cut. */
enum fate { FATE_NONE, FATE_STORED, FATE_CUT };

static enum fate slot_settle(struct fd_store *s, struct worker_store *w, size_t slot, bool asked)
{
	enum fate fate = FATE_NONE;
	struct handoff_record p;

	if (!asked && is_held(&w->stored[slot]) && tunnel_slot_mark_read(slot_at(w, slot)) == SLOT_CLEAN)
		return FATE_STORED;
	if (!asked && is_known(&w->stored[slot])) {
		p = record_of(w, slot);
		if (!p.state.reported) {
			cut_report(s, &p); /* without copies of its descriptors, too */
			fate = FATE_CUT;
		}
	}
	drop(w, slot);
	return fate;
}

void fd_store_proxy_exited(struct fd_store *s, const struct child *proxy, bool asked)
{
	struct worker_store *w = own_store(s, proxy);
	size_t n[] = {[FATE_NONE] = 0, [FATE_STORED] = 0, [FATE_CUT] = 0};

	for (size_t i = 0; w->table && i < TUNNEL_SLOTS; i++)
		if (tunnel_slot_serial(slot_at(w, i)) == proxy->serial)
			n[slot_settle(s, w, i, asked)]++;
	if (n[FATE_STORED] + n[FATE_CUT] == 0)
		return;
	log_write(LOG_L_NOTICE, "tunnels_preserved", kv_tunnels((int64_t)n[FATE_STORED]),
	          kv_dropped((int64_t)n[FATE_CUT]));
	series_add(fate_series(s, "stored"), n[FATE_STORED]);
	series_add(fate_series(s, "cut"), n[FATE_CUT]);
}

/* The first orphan from there on; WORKERS_MAX * TUNNEL_SLOTS: there is none. */
static uint32_t orphan_find(const struct fd_store *s, uint32_t at)
{
	for (; at < ORPHANS_END; at++) {
		const struct worker_store *w = &s->of[at / TUNNEL_SLOTS];

		if (at % TUNNEL_SLOTS >= w->top)
			at = (at / TUNNEL_SLOTS + 1) * TUNNEL_SLOTS - 1; /* nothing more in this one */
		else if (is_orphan(s, w, at % TUNNEL_SLOTS))
			return at;
	}
	return ORPHANS_END;
}

void fd_store_cut(struct fd_store *s)
{
	for (uint32_t at = 0; (at = orphan_find(s, at)) < ORPHANS_END; at++)
		drop(&s->of[at / TUNNEL_SLOTS], at % TUNNEL_SLOTS);
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
static int orphan_send(struct orphan_transfer *e, int fd)
{
	const struct worker_store *w = &e->store->of[e->next / TUNNEL_SLOTS];
	size_t n = e->next % TUNNEL_SLOTS;
	struct {
		struct handoff_record head;
		char held[TUNNEL_HELD_MAX];
	} record = {.head = record_of(w, n)};
	size_t held = record.head.client_pending + record.head.upstream_pending;
	struct tunnel_slot *slot = slot_at(w, n);
	uint32_t before = tunnel_slot_serial(slot);
	int r;

	memcpy(record.held, w->table->held[n], held);
	tunnel_slot_assign(slot, e->proxy);
	r = handoff_send(fd, &record, sizeof record.head + held, w->stored[n].fds, 2);
	if (r < 0)
		tunnel_slot_assign(slot, before);
	return r;
}

static void on_orphan_transfer(struct ev_loop *loop, struct ev_io *w, int revents)
{
	struct orphan_transfer *e = w->data;
	int r = 0;

	(void)loop, (void)revents;
	while (r == 0 && (e->next = orphan_find(e->store, e->next)) < ORPHANS_END) {
		r = orphan_send(e, w->fd);
		e->moved += r == 0;
		e->next += r == 0;
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
	uint32_t first = orphan_find(s, 0);
	int fds[2];

	if (first == ORPHANS_END)
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
	e->next = first;
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
	for (unsigned i = 0; i < WORKERS_MAX; i++) {
		struct worker_store *w = &s->of[i];

		for (size_t slot = 0; slot < w->top; slot++)
			drop(w, slot);
		free(w->stored);
		tunnel_table_free(w->table);
		if (w->fd >= 0)
			close(w->fd);
	}
}
