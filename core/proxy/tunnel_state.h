/* SPDX-License-Identifier: MIT */
/*
 * A tunnel's data, which tunnel.c changes and tunnel_slot.c writes down for another proxy: two descriptors, a
 * plain struct and perhaps pending bytes.  Types only.  Proxy.
 */
#ifndef T3OPS_PROXY_TUNNEL_STATE_H
#define T3OPS_PROXY_TUNNEL_STATE_H

#include <ev.h>
#include <sys/queue.h>

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

struct tunnel {
	LIST_ENTRY(tunnel) link;
	struct worker *worker;
	uint64_t id, opened_us;
	uint64_t steady_us; /* since when the client is heard without a gap */
	struct tunnel_page page;
	bool client_closed_first;
	bool counted;  /* among the user's tunnels */
	bool reported; /* why it ended is decided and reported */
	int32_t slot;  /* in the table, -1: none */
	struct tunnel_side client, upstream;
	char colo[8];
	struct recheck_entry *recheck; /* NULL: its session is not asked about */
	const char *address;           /* behind the user's name */
	char user[];
};

#define TURN_TUNNELS 256

/* Of one turn of the loop: whose bytes were received and are held (tunnel_slot_hold) until all were received. */
struct tunnel_turn {
	struct ev_prepare end;
	struct tunnel *held[TURN_TUNNELS]; /* NULL: it has ended */
	size_t n;
};

/* All tunnels of the worker (worker->tunnels). */
struct tunnels {
	LIST_HEAD(, tunnel) list;
	size_t n;
	struct ev_loop *loop;
	struct tunnel_turn turn;
	struct ev_timer look; /* at what the pages experience, and who takes nothing */
	uint64_t last_id;
	struct quota users; /* how many each user has */
};

#endif
