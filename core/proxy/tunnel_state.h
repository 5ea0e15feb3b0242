/* SPDX-License-Identifier: MIT */
/*
 * A tunnel's data, which tunnel.c changes and tunnel_slot.c writes down for another proxy: two descriptors, a
 * plain struct and perhaps pending bytes.  Types only.  Proxy.
 */
#ifndef T3OPS_PROXY_TUNNEL_STATE_H
#define T3OPS_PROXY_TUNNEL_STATE_H

#include <ev.h>
#include <sys/queue.h>

#include "diagnosis/page_evidence.h"
#include "ipc/tunnel_table.h"
#include "net/bursts.h"
#include "net/heartbeat.h"
#include "net/ws_frames.h"
#include "plugin.h"
#include "process/loop_turn.h"
#include "proxy/quota.h"
#include "sys/buf.h"

struct worker;

/* There are thousands, most of them idle: what can be short is. */

/* One side of it: what came from there, and what waits to go there. */
struct tunnel_side {
	struct tunnel *tunnel;
	struct ev_io io;
	struct turn_place place;
	struct buf out;
	struct ws_frames frames;
	uint64_t last_us;                 /* when something last came from there */
	uint64_t counted;                 /* of the bytes that came from there those that the last census had */
	uint64_t due_us;                  /* until when it has to take something of what waits; 0: nothing does */
	uint64_t bytes : SIDE_BYTES_BITS; /* that came from there */
	bool eof : 1;                     /* it sends no more */
	bool shut : 1;                    /* our FIN went there */
};

/* What the page experiences; tunnel_page.c changes it. */
struct tunnel_page {
	struct heartbeat heartbeat;
	uint64_t stuck_us;     /* since when it has taken nothing of what waits; 0: nothing waits */
	struct bursts answers; /* of the t3 server */
	uint32_t acked; /* bytes that the client's kernel had acknowledged when they were last counted, the lower half
	                   of the number: it tells whether there are more now */
	uint8_t evidence; /* enum page_evidence, as it was last reported while open */
};

/* Why it ended, as it was when the first side went. */
struct tunnel_end {
	enum page_end page;
	enum t3ops_reason reason;
	uint16_t code;
	uint64_t at_us;
};

/* What is put off to a later turn of the loop. */
struct tunnel_work {
	struct turn_work turn;
	bool opened; /* it is to be reported that it is open, */
	struct tunnel_side
	    *gone; /* then why it ended: that side sends no more, or broke; nothing passes until then */
	int error; /* of a side that broke */
	struct tunnel_end end;
};

struct tunnel {
	LIST_ENTRY(tunnel) link;
	struct worker *worker;
	uint64_t id, opened_us;
	uint64_t steady_us; /* since when the client is heard without a gap */
	struct tunnel_page page;
	bool client_closed_first;
	bool counted;             /* among the user's tunnels */
	bool reported;            /* why it ended is decided and reported */
	int32_t slot;             /* in the table, -1: none */
	struct tunnel_work *work; /* NULL: nothing is put off */
	struct tunnel_side client, upstream;
	char colo[8];
	struct recheck_entry *recheck; /* NULL: its session is not asked about */
	const char *address;           /* behind the user's name */
	char user[];
};

/* A side is gone, and what follows from that is put off. */
static inline bool tunnel_is_ending(const struct tunnel *t)
{
	return t->work && t->work->gone;
}

/* Why it ended is decided, whether it was reported yet or not. */
static inline bool tunnel_has_ended(const struct tunnel *t)
{
	return t->reported || tunnel_is_ending(t);
}

#define TURN_TUNNELS 256

/* Of one turn of the loop: whose bytes were received and are held (tunnel_slot_hold) until all were received. */
struct tunnel_turn {
	struct ev_prepare end;
	struct tunnel *held[TURN_TUNNELS]; /* NULL: it has ended */
	size_t n;
};

/* All of them are looked at, some at a time. */
struct tunnel_walk {
	struct turn_work work;
	struct tunnels *all;
	struct tunnel *next;            /* NULL: none is left */
	void (*look)(struct tunnel *t); /* may free it */
};

/* All tunnels of the worker (worker->tunnels). */
struct tunnels {
	LIST_HEAD(, tunnel) list;
	size_t n;
	struct worker *worker;
	struct ev_loop *loop;
	struct tunnel_turn turn;
	struct ev_timer look; /* at what the pages experience, and who takes nothing */
	struct tunnel_walk looking, following;
	uint64_t last_id;
	struct quota users; /* how many each user has */
};

#endif
