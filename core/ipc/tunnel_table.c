/* SPDX-License-Identifier: MIT */
/* The table of tunnels; see tunnel_table.h. */
#include "ipc/tunnel_table.h"

#include <errno.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "sys/clock.h"
#include "obs/event.h"
#include "sys/fdpass.h"
#include "sys/shm.h"

static const struct tunnel_hello our_layout = {.version = HANDOFF_VERSION, .size = sizeof(struct handoff_record)};

static bool is_ours(const struct tunnel_hello *layout)
{
	return layout->version == our_layout.version && layout->size == our_layout.size;
}

struct tunnel_table *tunnel_table_new(int *fd)
{
	struct tunnel_table *b = shm_new("t3ops-tunnels", sizeof *b, fd);

	if (!b)
		return NULL;
	if (getrandom(&b->id, sizeof b->id, 0) == (ssize_t)sizeof b->id) {
		b->id |= 1;
		return b;
	}
	tunnel_table_free(b);
	close(*fd);
	*fd = -1;
	errno = EIO;
	return NULL;
}

struct tunnel_hello tunnel_layout(void)
{
	return our_layout;
}

struct tunnel_table *tunnel_table_attach(int fd, const struct tunnel_hello *layout)
{
	errno = EPROTO;
	return is_ours(layout) ? shm_attach(fd, sizeof(struct tunnel_table)) : NULL;
}

void tunnel_table_free(struct tunnel_table *b)
{
	shm_free(b, sizeof *b);
}

/* Two proxies may search at once. */
int32_t tunnel_table_take(struct tunnel_table *b, uint32_t serial)
{
	uint32_t from = b ? __atomic_load_n(&b->next, __ATOMIC_RELAXED) % TUNNEL_SLOTS : 0;

	for (uint32_t i = 0; b && i < TUNNEL_SLOTS; i++) {
		uint32_t n = (from + i) % TUNNEL_SLOTS, is_free = SLOT_FREE;

		if (!__atomic_compare_exchange_n(&b->slots[n].mark, &is_free, SLOT_DIRTY, false, __ATOMIC_ACQ_REL,
		                                 __ATOMIC_RELAXED))
			continue;
		tunnel_slot_assign(&b->slots[n], serial);
		b->slots[n].held = 0;
		__atomic_store_n(&b->next, (n + 1) % TUNNEL_SLOTS, __ATOMIC_RELAXED);
		return (int32_t)n;
	}
	return -1;
}

/* The supervisor looks at it when the proxy is dead, and everything that the proxy did can be seen: what counts is in
 * which order it did it. */
void tunnel_slot_dirty(struct tunnel_slot *s)
{
	__atomic_store_n(&s->mark, SLOT_DIRTY, __ATOMIC_RELAXED);
	__atomic_thread_fence(__ATOMIC_RELEASE);
}

void tunnel_slot_clean(struct tunnel_slot *s)
{
	__atomic_store_n(&s->mark, SLOT_CLEAN, __ATOMIC_RELEASE);
}

void tunnel_slot_assign(struct tunnel_slot *s, uint32_t serial)
{
	__atomic_store_n(&s->serial, serial, __ATOMIC_SEQ_CST);
}

uint32_t tunnel_slot_serial(const struct tunnel_slot *s)
{
	return __atomic_load_n(&s->serial, __ATOMIC_SEQ_CST);
}

size_t tunnel_slot_held(const struct tunnel_slot *s)
{
	uint32_t held = __atomic_load_n(&s->held, __ATOMIC_RELAXED);

	return held <= TUNNEL_HELD_MAX ? held : 0;
}

void tunnel_slot_release(struct tunnel_slot *s)
{
	s->tunnel = 0; /* until the next one wrote its own, messages about the last one match nothing */
	tunnel_slot_assign(s, 0);
	__atomic_store_n(&s->mark, SLOT_FREE, __ATOMIC_SEQ_CST);
}

bool tunnel_slot_is_of(const struct tunnel_slot *s, uint64_t tunnel)
{
	return tunnel_slot_mark_read(s) != SLOT_FREE && s->tunnel == tunnel;
}

enum slot_mark tunnel_slot_mark_read(const struct tunnel_slot *s)
{
	return (enum slot_mark)__atomic_load_n(&s->mark, __ATOMIC_SEQ_CST);
}

int tunnel_hello_recv(int socket)
{
	struct tunnel_hello hello;
	ssize_t n = recv(socket, &hello, sizeof hello, MSG_DONTWAIT);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return -EAGAIN;
	return n == (ssize_t)sizeof hello && is_ours(&hello) ? 0 : -EPROTO;
}

int handoff_send(int socket, const void *bytes, size_t len, const int *fds, size_t n_fds)
{
	union fdpass fdpass;
	struct iovec part = {(void *)(uintptr_t)bytes, len};
	struct msghdr m = {.msg_iov = &part, .msg_iovlen = 1};

	fdpass_attach(&m, &fdpass, fds, n_fds);
	if (sendmsg(socket, &m, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0)
		return 0;
	/* ETOOMANYREFS: more descriptors are in transit than the limit allows; the receiver is about to read them */
	return errno == EINTR || errno == ENOBUFS || errno == ETOOMANYREFS ? -EAGAIN : -errno;
}

void handoff_lost_fill(const struct handoff_record *p, const char *why, struct event *e)
{
	struct handoff_record r = *p;

	r.user[sizeof r.user - 1] = r.address[sizeof r.address - 1] = r.colo[sizeof r.colo - 1] = '\0';
	e->id = r.id;
	e->reason = T3OPS_R_LOCAL;
	e->age_us = clock_mono_us() - r.opened_us;
	event_set(e->user, r.user);
	event_set(e->address, r.address);
	event_set(e->colo, r.colo);
	event_set(e->text, why);
}
