/* SPDX-License-Identifier: MIT */
/*
 * Connections to the t3 servers, pooled for each address.  A pooled one is watched: t3 closes it after 5 s of
 * rest, and it then leaves the pool by itself.  Whoever uses one is known as a table of callbacks only.  A connection
 * is in use from the moment at which it is known that a process of the user's own account has accepted it
 * (net/dial.h); what is sent before is queued.  Proxy.
 *
 *   CONNECTING --> IN_USE <--upstream_put / upstream_get--> POOLED        any --upstream_close--> (freed)
 *                     '--upstream_retire--> RETIRED --the t3 server's end--> (freed)
 */
#ifndef T3OPS_PROXY_UPSTREAM_H
#define T3OPS_PROXY_UPSTREAM_H

#include <ev.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>
#include <sys/types.h>

#include "net/deadline.h"
#include "net/dial.h"
#include "process/loop_turn.h"
#include "sys/buf.h"

struct worker;
struct pool;
struct upstream;
struct user;

enum upstream_state { UPSTREAM_CONNECTING, UPSTREAM_IN_USE, UPSTREAM_POOLED, UPSTREAM_RETIRED };

/* Callbacks of whoever uses it; set by upstream_get. */
struct upstream_owner {
	void (*connected)(void *arg);         /* at the address; not for a pooled one */
	void (*readable)(void *arg);          /* unless upstream_want_input says no */
	void (*drained)(void *arg);           /* everything queued is out, or nobody takes it any more */
	void (*failed)(void *arg, int error); /* to connect, or it is not whose it should be: as dial_callbacks.done;
	                                         its owner closes it */
};

struct upstream {
	TAILQ_ENTRY(upstream) link;   /* while pooled */
	LIST_ENTRY(upstream) retired; /* while retired */
	struct worker *worker;
	struct pool *pool; /* NULL: of one that was adopted */
	enum upstream_state state;
	struct dial dial;    /* while connecting */
	struct ev_io rd, wr; /* from then on */
	struct turn_place place;
	struct deadline idle;
	bool reused;      /* it was pooled before */
	bool wants_input; /* its owner takes what comes */
	struct buf in, out;
	size_t waiting; /* of upstream_is_taking: what waited when it was last asked */
	size_t sent;    /* since it was got, what is queued included */
	const struct upstream_owner *owner;
	void *arg;
};

/* worker->upstreams.  NULL without memory. */
struct upstreams *upstreams_new(struct worker *worker);
/* Closes what is pooled; nothing may be in use. */
void upstreams_free(struct upstreams *all);

/* A connection to the user's t3 server: a pooled one if `reuse`, else a fresh one, which may still be
 * connecting.  NULL with errno: it failed at once. */
struct upstream *upstream_get(struct upstreams *all, const struct user *user, bool reuse,
                              const struct upstream_owner *owner, void *arg);
/* One in use that another proxy has given away, whose t3 server's process was asked for there; takes the descriptor.
 * It belongs to no pool: close it.  NULL without memory. */
struct upstream *upstream_adopt(struct upstreams *all, int fd, const struct upstream_owner *owner, void *arg);
/* Bytes, 0 at the end, -EAGAIN, or what broke it. */
ssize_t upstream_read(struct upstream *u, void *bytes, size_t size);
/* Sends, queueing what the socket does not take.  0 or -errno. */
int upstream_send(struct upstream *u, const void *bytes, size_t n);
/* Bytes that are queued. */
size_t upstream_pending(const struct upstream *u);
/* Whether its owner takes more input now. */
void upstream_want_input(struct upstream *u, bool wants);
/* Whether its t3 server has acknowledged something of what waits to go there since this was last asked. */
bool upstream_is_taking(struct upstream *u);
/* Whether nothing that was sent since it was got can have been read, now that it ended with that error. */
bool upstream_is_unread(const struct upstream *u, int error);
/* Whether the user's t3 server may not answer yet what it accepts: no connection could be made to it, or another
 * socket listens there than before, and upstream_trust has not been called since. */
bool upstream_is_doubted(struct upstreams *all, const struct user *user);
/* It has answered. */
void upstream_trust(struct upstreams *all, const struct user *user);
/* It began to respond: whatever outage its t3 server had is over. */
void upstream_responds(struct upstream *u);
/* The user's t3 server failed.  Since when it has done so, in microseconds of the wall clock: now, or the first
 * failure that no response followed. */
uint64_t upstream_outage(struct upstreams *all, const struct user *user);
/* Back to the pool, if that has room; nothing may be pending. */
void upstream_put(struct upstream *u);
void upstream_close(struct upstream *u);
/* Its owner is done with a WebSocket upgrade that was not completed.  A t3 server dies of clients that leave refused
 * upgrades, so it is read to its own end, however long its client is gone. */
void upstream_retire(struct upstream *u);
/* Gives the descriptor away; the connection is forgotten. */
int upstream_detach(struct upstream *u);
/* Whether a detached connection leads to where the user's t3 server is; true as well if it broke meanwhile. */
bool upstream_leads_to(int fd, const struct user *user);

#endif
