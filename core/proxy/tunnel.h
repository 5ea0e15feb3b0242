/* SPDX-License-Identifier: MIT */
/*
 * A tunnel: a user's WebSocket, from the 101 on.  Two descriptors, a plain struct and perhaps pending
 * bytes; it knows nothing of the request that made it.  Bytes pass untouched; each direction is
 * followed only to know who closed, with which code, and how long each side had been silent.  Proxy.
 */
#ifndef T3OPS_PROXY_TUNNEL_H
#define T3OPS_PROXY_TUNNEL_H

#include "ipc/tunnel_table.h"
#include "net/ws_frames.h"
#include "net/deadline.h"
#include "proxy/proxy_state.h"
#include "proxy/close_reason.h"

/* One end of it: what came from there, and what waits to go there. */
struct tunnel_side {
	struct tunnel *tunnel;
	struct ev_io rd, wr;
	struct deadline send; /* while something waits to go there */
	struct buf out;
	struct ws_frames frames;
	uint64_t last_us; /* when something last came from there */
	uint64_t bytes;   /* that came from there */
	bool eof;         /* it sends no more */
	bool shut;        /* our FIN went there */
};

struct tunnel {
	LIST_ENTRY(tunnel) link;
	struct proxy *proxy;
	uint64_t id, opened_us;
	uint64_t unanswered_us; /* since when the instance owes an answer; 0: it does not */
	uint64_t gave_up_us;    /* how long it had owed one when the client's close frame came */
	bool client_closed_first;
	bool counted;  /* among the user's tunnels */
	bool reported; /* why it ended is decided and reported */
	int32_t slot;  /* in the table, -1: none */
	struct tunnel_side client, upstream;
	char user[64], address[48], colo[8];
	char *session;       /* of recheck.h */
	uint64_t checked_us; /* when it was last asked about */
};

/* What a tunnel is made of; everything in it is taken. */
struct tunnel_start {
	int client_fd, upstream_fd;
	char user[64], address[48], colo[8];
	struct buf to_client, to_upstream; /* pending: the 101, and what came too early */
	size_t head_bytes;                 /* of to_client that are no frames */
	char *session;                     /* of recheck.h */
};

/* ok: false, the memory ran out while it was made; it is closed again at once. */
void tunnel_open(struct proxy *f, struct tunnel_start *start, bool ok);
/* It lives elsewhere now, and so does its slot: forgets it, without a word to anybody. */
void tunnel_given(struct tunnel *t);
/* Goes on with one that was packed (tunnel_slot.h); takes the descriptors. */
void tunnel_adopt(struct proxy *f, const char *bytes, size_t n, const int fds[2]);

/* NULL: it is gone. */
struct tunnel *tunnel_find(struct proxy *f, uint64_t id);
/* Ends it, and tells its client that it may not go on: 1008. */
void tunnel_refuse(struct tunnel *t);
/* Ends all tunnels of users that the table has no longer, or whose instance moved. */
void tunnels_follow_users(struct proxy *f, const struct user_list *now);
/* Ends all; the process is about to. */
void tunnels_close_all(struct proxy *f);

#endif
