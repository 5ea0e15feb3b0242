/* SPDX-License-Identifier: MIT */
/* Whom to ask next; see probe_queue.h. */
#include "prober/probe_queue.h"

void probe_queue_init(struct probe_queue *q)
{
	TAILQ_INIT(&q->affected);
	TAILQ_INIT(&q->others);
}

static struct probe_items *list_of(struct probe_queue *q, const struct probe_item *item)
{
	return item->affected ? &q->affected : &q->others;
}

void probe_queue_add(struct probe_queue *q, struct probe_item *item, bool affected)
{
	if (item->queued && (item->affected || !affected))
		return;
	probe_queue_remove(q, item);
	item->queued = true;
	item->affected = affected;
	TAILQ_INSERT_TAIL(list_of(q, item), item, link);
}

void probe_queue_remove(struct probe_queue *q, struct probe_item *item)
{
	if (item->queued)
		TAILQ_REMOVE(list_of(q, item), item, link);
	item->queued = false;
}

struct probe_item *probe_queue_take(struct probe_queue *q)
{
	struct probe_item *item = TAILQ_EMPTY(&q->affected) ? TAILQ_FIRST(&q->others) : TAILQ_FIRST(&q->affected);

	if (item != NULL)
		probe_queue_remove(q, item);
	return item;
}
