/* SPDX-License-Identifier: MIT */
/*
 * The book of tunnels: one shared memory area made by the supervisor, a slot a tunnel.  A front writes down
 * what another front needs to go on with the tunnel; the supervisor keeps copies of its descriptors.  If a
 * front dies, the tunnels whose slots are clean go on in the next one.
 *
 *   FREE --front--> DIRTY <--bytes are under way / nothing is--> CLEAN      any --supervisor lets go--> FREE
 *
 * CLEAN: no byte was read that is not written, and the state in the slot is that moment's.
 */
#ifndef T3OPS_BASE_TUNNEL_BOOK_H
#define T3OPS_BASE_TUNNEL_BOOK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/ws_frames.h"

#define TUNNEL_SLOTS          16384
#define TUNNEL_PARCEL_VERSION 3
#define TUNNEL_PENDING_MAX    (32u << 10)

/* One end of a tunnel, as far as it changes. */
struct end_state {
	struct ws_frames frames;
	uint64_t last_us, bytes;
	bool eof, shut;
};

/* A tunnel on its way to another front; what follows it: pending bytes to the client, pending bytes to the
 * instance, and the session (recheck.h). */
struct tunnel_parcel {
	uint64_t id, opened_us;
	char user[64], address[48], colo[8];
	uint64_t book; /* the book that its slot is in */
	int32_t slot;  /* -1: none */
	uint32_t client_pending, serve_pending, session_len;
	struct tunnel_state {
		uint64_t unanswered_us, gave_up_us;
		bool client_closed_first, told;
		struct end_state client, serve;
	} state; /* what changes with the bytes that pass */
};

/* Which parcels somebody knows: what their taker says first, and what stands in front of a book. */
struct tunnel_hello {
	uint32_t version, size; /* of struct tunnel_parcel */
};

enum slot_mark { SLOT_FREE = 0, SLOT_DIRTY, SLOT_CLEAN };

struct tunnel_slot {
	uint32_t mark;               /* enum slot_mark; use the functions */
	uint32_t serial;             /* of the front that has it; use the functions */
	struct tunnel_parcel parcel; /* nothing pending */
};

struct tunnel_book {
	struct tunnel_hello layout;
	uint64_t id;
	uint32_t next; /* where the search for a free slot begins */
	struct tunnel_slot slots[TUNNEL_SLOTS];
};

/* Shared memory, inherited by fork, and by exec with its memfd, which is the caller's.  NULL: errno. */
struct tunnel_book *book_new(int *fd);
/* The book of an earlier binary; the descriptor stays the caller's.  NULL: errno, EPROTO: of another layout. */
struct tunnel_book *book_attach(int fd);
void book_free(struct tunnel_book *b); /* unmaps; NULL is fine */

/* A free slot for the front with that serial, DIRTY from here on; -1: the book is full, or NULL. */
int32_t book_take(struct tunnel_book *b, uint32_t serial);
/* Front: bytes are about to be read. */
void slot_dirty(struct tunnel_slot *s);
/* Front: the state was written, and nothing is under way. */
void slot_clean(struct tunnel_slot *s);
/* Whoever gives the tunnel away, before its parcel can be read: the front with that serial has it now. */
void slot_assign(struct tunnel_slot *s, uint32_t serial);
uint32_t slot_serial(const struct tunnel_slot *s);
/* Supervisor: nobody has it any more. */
void slot_release(struct tunnel_slot *s);
/* Whether that tunnel is in it. */
bool slot_is_of(const struct tunnel_slot *s, uint64_t tunnel);
enum slot_mark slot_mark_read(const struct tunnel_slot *s);

/* The giver reads the taker's hello: 0, -EAGAIN: not yet, -EPROTO: it knows other parcels, or is gone. */
int tunnel_hello_recv(int socket);
/* One parcel and its descriptors (client, instance) as a datagram; bytes begin with the parcel.  0,
 * -EAGAIN, or what ended it. */
int parcel_send(int socket, const void *bytes, size_t len, const int fds[2]);

struct event;
/* What an event says of a tunnel that is lost on its way: it ended, and we did it. */
void parcel_lost_fill(const struct tunnel_parcel *p, const char *why, struct event *e);

#endif
