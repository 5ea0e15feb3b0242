/* SPDX-License-Identifier: MIT */
/*
 * Connections to the instances, pooled for each address.  A pooled one is watched: a t3 closes it
 * after 5 s of rest, and it then leaves the pool by itself.  Proxy.
 */
#ifndef T3OPS_PROXY_UPSTREAM_H
#define T3OPS_PROXY_UPSTREAM_H

#include <ev.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "sys/buf.h"
#include "net/deadline.h"

struct proxy;
struct pool;
struct upstream;
struct user;

/* What its user is reported; one at a time, set by upstream_get. */
struct upstream_owner {
	void (*connected)(void *arg); /* not for a reused one */
	void (*readable)(void *arg);
	void (*drained)(void *arg);           /* everything queued is out, or nobody takes it any more */
	void (*failed)(void *arg, int error); /* to connect; negative errno; it is closed by the owner */
};

struct upstream {
	TAILQ_ENTRY(upstream) link; /* while pooled */
	struct proxy *proxy;
	struct pool *pool;
	struct ev_io rd, wr;
	struct deadline idle;
	bool connecting, reused;
	struct buf in, out;
	size_t waiting; /* of upstream_is_taking: what waited when it was last asked */
	const struct upstream_owner *owner;
	void *arg;
};

/* A connection to the user's instance: a pooled one if `reuse`, else a fresh one, which may still be
 * connecting.  NULL with errno: it failed at once. */
struct upstream *upstream_get(struct proxy *f, const struct user *user, bool reuse,
                              const struct upstream_owner *owner, void *arg);
/* Sends, queueing what the socket does not take.  0 or -errno. */
int upstream_send(struct upstream *u, const void *bytes, size_t n);
/* Whether its instance has acknowledged something of what waits to go there since this was last asked. */
bool upstream_is_taking(struct upstream *u);
/* Its instance failed, and has not answered since. */
bool upstream_was_failing(const struct upstream *u);
/* It began to answer: whatever outage its instance had is over. */
void upstream_answers(struct upstream *u);
/* The user's instance failed.  Since when it has done so, in microseconds of the wall clock: now, or the
 * first failure that no answer followed. */
uint64_t upstream_outage(struct proxy *f, const struct user *user);
/* Back to the pool, if that has room; nothing may be pending. */
void upstream_put(struct upstream *u);
void upstream_close(struct upstream *u);
/* Gives the descriptor away; the connection is forgotten. */
int upstream_detach(struct upstream *u);
/* Whether a detached connection leads to where the user's instance is; true as well if it broke meanwhile. */
bool upstream_leads_to(int fd, const struct user *user);

void pools_free(struct proxy *f);

#endif
