/* SPDX-License-Identifier: MIT */
/*
 * Requests wait until their t3 server answers.  For a moment after it began to listen t3 accepts connections whose
 * requests it never answers, which cannot be told from a slow answer, and no request may be sent twice.  So behind a
 * t3 server that is doubted (upstream.h) requests are held until one GET of ours was answered, on a connection of its
 * own, tried again and again.
 *
 *   (none) --a request for a doubted one--> PROBING --an answer: all go on--> (none)
 *                                              '------refused: all fail-----> (none)
 *
 * Proxy.
 */
#ifndef T3OPS_PROXY_READINESS_H
#define T3OPS_PROXY_READINESS_H

#include <stdbool.h>
#include <sys/queue.h>

struct worker;
struct user;
struct readiness;
struct trial;

/* One that waits; zeroed is not waiting. */
struct held {
	TAILQ_ENTRY(held) link;
	struct trial *of;                       /* NULL: it does not wait */
	void (*released)(void *arg, int error); /* 0: go on; else as upstream_owner.failed */
	void *arg;
};

/* worker->readiness.  NULL without memory. */
struct readiness *readiness_new(struct worker *worker);
void readiness_free(struct readiness *r); /* nothing may wait */

/* Whether it has to wait: released is called then, never from inside, unless readiness_leave comes first.  Without
 * memory nobody waits. */
bool readiness_hold(struct readiness *r, const struct user *user, struct held *h, void (*released)(void *, int),
                    void *arg);
/* Its client has gone; also for one that does not wait. */
void readiness_leave(struct held *h);

#endif
