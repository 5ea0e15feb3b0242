/* SPDX-License-Identifier: MIT */
/*
 * A table of tunnels: shared memory made by the supervisor, one for each worker of the proxy and those who succeed
 * it, a slot a tunnel.  A proxy writes down what another proxy needs to go on with the tunnel; the supervisor stores
 * copies of its descriptors, and keeps for itself whose they are.  If a proxy dies, the tunnels whose slots are clean
 * go on in the next one.
 *
 *   FREE --proxy--> DIRTY <--bytes are in transit / none is--> CLEAN      any --supervisor releases it--> FREE
 *
 * CLEAN: every byte that was read is written, or held in the table until it is, and the state in the slot is that
 * moment's.
 */
#ifndef T3OPS_IPC_TUNNEL_TABLE_H
#define T3OPS_IPC_TUNNEL_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "net/heartbeat.h"
#include "net/ws_frames.h"
#include "plugin.h"

#define TUNNEL_SLOTS       16384
#define HANDOFF_VERSION    12
#define TUNNEL_PENDING_MAX (32u << 10)
#define TUNNEL_HELD_MAX    2048u

#define SIDE_BYTES_BITS 62
#define SIDE_BYTES_MAX  ((UINT64_C(1) << SIDE_BYTES_BITS) - 1)

/* One side of a tunnel, as far as it changes. */
struct side_state {
	struct ws_frames frames;
	uint64_t last_us;
	uint64_t bytes : SIDE_BYTES_BITS;
	bool eof : 1;
	bool shut : 1;
};

/* What a record between two proxies is about: its first byte. */
#define HANDOFF_TUNNEL   't' /* struct handoff_record */
#define HANDOFF_IDLE     'i' /* a client between two requests, of which nothing was read */
#define HANDOFF_EXCHANGE 'x' /* a response in progress */

/* A tunnel on its way to another proxy; what follows it: pending bytes to the client, pending bytes to the
 * t3 server, and the session (recheck.h). */
struct handoff_record {
	char kind; /* HANDOFF_TUNNEL */
	uint64_t id, opened_us;
	char user[T3OPS_USER_NAME_SIZE], address[48], colo[8];
	uint64_t table; /* the table that its slot is in */
	int32_t slot;   /* -1: none */
	uint32_t client_pending, upstream_pending, session_len;
	struct tunnel_state {
		struct heartbeat heartbeat;
		bool client_closed_first : 1;
		bool reported : 1;
		struct side_state client, upstream;
	} state; /* what changes with the bytes that pass */
};

/* Which records a binary knows, HANDOFF_VERSION says it of all kinds: the first message of a receiver. */
struct tunnel_hello {
	uint32_t version, size; /* of struct handoff_record */
};

enum slot_mark { SLOT_FREE = 0, SLOT_DIRTY, SLOT_CLEAN };

/* What another proxy needs and the supervisor does not know itself; nothing is pending. */
struct tunnel_slot {
	uint32_t mark;   /* enum slot_mark; use the functions */
	uint32_t serial; /* of the proxy that has it; use the functions */
	uint64_t tunnel, opened_us;
	char colo[8];
	uint32_t held;            /* bytes of it that are in the table's `held` */
	uint32_t held_for_client; /* 0: they are for the t3 server */
	struct tunnel_state state;
};

struct tunnel_table {
	uint64_t id;   /* never 0 */
	uint32_t next; /* where the search for a free slot begins */
	struct tunnel_slot slots[TUNNEL_SLOTS];
	char held[TUNNEL_SLOTS][TUNNEL_HELD_MAX]; /* takes memory only where something was held */
};

/* Shared memory, inherited by fork, and by exec with its memfd, which is the caller's.  NULL: errno. */
struct tunnel_table *tunnel_table_new(int *fd);
/* The table of an earlier binary, whose records were `layout`; the descriptor stays the caller's.  NULL: errno,
 * EPROTO: of another layout. */
struct tunnel_table *tunnel_table_attach(int fd, const struct tunnel_hello *layout);
struct tunnel_hello tunnel_layout(void);        /* ours */
void tunnel_table_free(struct tunnel_table *b); /* unmaps; NULL is fine */

/* A free slot for the proxy with that serial, DIRTY from here on; -1: the table is full, or NULL. */
int32_t tunnel_table_take(struct tunnel_table *b, uint32_t serial);
/* Proxy: bytes are about to be read. */
void tunnel_slot_dirty(struct tunnel_slot *s);
/* Proxy: the state was written, and nothing is in transit. */
void tunnel_slot_clean(struct tunnel_slot *s);
/* Whoever sends the tunnel on, before its record can be read: the proxy with that serial has it now. */
void tunnel_slot_assign(struct tunnel_slot *s, uint32_t serial);
uint32_t tunnel_slot_serial(const struct tunnel_slot *s);
/* Supervisor: the bytes that are held; never more than there can be, whatever the proxy wrote there. */
size_t tunnel_slot_held(const struct tunnel_slot *s);
/* Supervisor: nobody has it any more. */
void tunnel_slot_release(struct tunnel_slot *s);
/* Whether that tunnel is in it. */
bool tunnel_slot_is_of(const struct tunnel_slot *s, uint64_t tunnel);
enum slot_mark tunnel_slot_mark_read(const struct tunnel_slot *s);

/* The sender reads the receiver's hello: 0, -EAGAIN: not yet, -EPROTO: it knows other records, or is gone. */
int tunnel_hello_recv(int socket);
/* One record and its descriptors as a datagram: of a tunnel bytes that begin with the handoff_record, and two
 * (client, t3 server); so of an exchange; of an idle client one.  0, -EAGAIN, or what ended it. */
int handoff_send(int socket, const void *bytes, size_t len, const int *fds, size_t n_fds);

struct event;
/* Fills an event about a tunnel that is lost on its way: it ended, and we ended it. */
void handoff_lost_fill(const struct handoff_record *p, const char *why, struct event *e);

#endif
