/* SPDX-License-Identifier: MIT */
/*
 * A tunnel: a user's WebSocket, from the 101 on; it knows nothing of the request that made it.  Bytes pass
 * untouched; each direction is followed only to know who closed, with which code, and how long each side had
 * been silent.  Proxy.
 */
#ifndef T3OPS_PROXY_TUNNEL_H
#define T3OPS_PROXY_TUNNEL_H

#include "proxy/tunnel_state.h"

/* What a tunnel is made of; everything in it is taken. */
struct tunnel_start {
	int client_fd, upstream_fd;
	char user[T3OPS_USER_NAME_SIZE], address[48], colo[8];
	struct buf to_client, to_upstream; /* pending: the 101, and what came too early */
	size_t head_bytes;                 /* of to_client that are not frames */
	char *session;                     /* of recheck_session_make */
};

/* ok: false, the memory ran out while it was made; it is closed again at once. */
void tunnel_open(struct worker *worker, struct tunnel_start *start, bool ok);
/* It lives elsewhere now, and so does its slot: forgets it, without a word to anybody. */
void tunnel_given(struct tunnel *t);
/* Goes on with one that was packed (tunnel_slot.h); takes the descriptors. */
void tunnel_adopt(struct worker *worker, const char *bytes, size_t n, const int fds[2]);

/* The session of the tunnel with that id has died: closes it with 1008, if it is still there. */
void tunnel_session_dead(struct worker *worker, uint64_t id);

/* worker->tunnels.  NULL without memory. */
struct tunnels *tunnels_new(struct worker *worker);
void tunnels_free(struct tunnels *all); /* none may be open */
/* Whether one is open. */
bool tunnels_any(const struct tunnels *all);
/* What was received in this turn of the loop is sent: what is not is queued from here on. */
void tunnels_settle(struct worker *worker);
/* Ends all; the process is about to, and its loop has ended. */
void tunnels_close_all(struct worker *worker);
/* The table changed: ends all tunnels of users that it has no longer, or whose t3 server moved, some in each turn of
 * the loop. */
void tunnels_follow_users(struct worker *worker);

#endif
