/* SPDX-License-Identifier: MIT */
/*
 * Whom to ask next when everything is to be asked: a burst of drops must not become a burst of requests to every t3
 * server.  What affected users need comes first, then the others in the order in which they were queued; so many at a
 * time.  Plain lists; prober.
 */
#ifndef T3OPS_PROBER_PROBE_QUEUE_H
#define T3OPS_PROBER_PROBE_QUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/queue.h>

#define PROBE_BATCH    16  /* so many legs of users are asked */
#define PROBE_PAUSE_MS 50u /* in so many milliseconds */

/* Part of what is queued.  Zeroed is not queued. */
struct probe_item {
	TAILQ_ENTRY(probe_item) link;
	bool queued, affected;
};

struct probe_queue {
	TAILQ_HEAD(probe_items, probe_item) affected, others;
};

void probe_queue_init(struct probe_queue *q);
/* Queues it, or moves it up; one that waits keeps its place. */
void probe_queue_add(struct probe_queue *q, struct probe_item *item, bool affected);
void probe_queue_remove(struct probe_queue *q, struct probe_item *item);
/* The next one, no longer queued; NULL: nothing waits. */
struct probe_item *probe_queue_take(struct probe_queue *q);

#endif
