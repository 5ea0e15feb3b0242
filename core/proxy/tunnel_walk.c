/* SPDX-License-Identifier: MIT */
/* All tunnels, some at a time; see tunnel_walk.h. */
#include "proxy/tunnel_walk.h"

#include "proxy/worker.h"

#define WALK_TUNNELS 32 /* at a time, each a unit of the loop's work: any may have to be ended */

static struct loop_turn *turn_of(const struct tunnel_walk *walk)
{
	return &walk->all->worker->process->turn;
}

static unsigned on_walk(struct turn_work *w)
{
	struct tunnel_walk *walk = w->data;
	unsigned n = 0;

	for (struct tunnel *t; n < WALK_TUNNELS && (t = walk->next); n++) {
		walk->next = LIST_NEXT(t, link);
		walk->look(t);
	}
	if (walk->next)
		loop_turn_queue(turn_of(walk), w);
	return n;
}

void tunnel_walk_init(struct tunnel_walk *walk, struct tunnels *all, void (*look)(struct tunnel *t))
{
	*walk = (struct tunnel_walk){.work = {.run = on_walk, .data = walk}, .all = all, .look = look};
}

void tunnel_walk_fini(struct tunnel_walk *walk)
{
	loop_turn_unqueue(turn_of(walk), &walk->work);
}

/* New ones are put before the first. */
void tunnel_walk_begin(struct tunnel_walk *walk)
{
	walk->next = LIST_FIRST(&walk->all->list);
	if (walk->next)
		loop_turn_queue(turn_of(walk), &walk->work);
}

bool tunnel_walk_goes_on(const struct tunnel_walk *walk)
{
	return walk->next;
}

void tunnel_walk_forget(struct tunnel_walk *walk, const struct tunnel *t)
{
	if (walk->next == t)
		walk->next = LIST_NEXT(t, link);
}
