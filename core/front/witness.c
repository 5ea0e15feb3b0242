/* SPDX-License-Identifier: MIT */
/* Tunnels as witnesses; see witness.h. */
#include "front/witness.h"

#include <stdlib.h>
#include <string.h>

#include "front/tunnel.h"

#define ROUND_SECONDS  1.
#define WITNESSES_MAX  256 /* more of them acquit nothing new */

struct witness_round {
	LIST_ENTRY(witness_round) link;
	struct front *front;
	struct ev_timer timer;
	uint64_t id, since_us;
};

static void round_free(struct witness_round *r)
{
	ev_timer_stop(r->front->loop, &r->timer);
	LIST_REMOVE(r, link);
	free(r);
}

/* By user; of one user's tunnels the one whose instance spoke last comes first. */
static int tunnel_compare(const void *a, const void *b)
{
	const struct tunnel *l = *(struct tunnel *const *)a, *r = *(struct tunnel *const *)b;
	int order = strcmp(l->user, r->user);

	if (order != 0)
		return order;
	return l->serve.last_us > r->serve.last_us ? -1 : l->serve.last_us < r->serve.last_us;
}

static void witness_emit(struct witness_round *r, const struct tunnel *t)
{
	uint64_t now = clock_mono_us();
	struct event e;

	event_init(&e, EVENT_WITNESS, ROOM_FRONT);
	e.id = r->id;
	event_set(e.user, t->user);
	e.age_us = now - t->opened_us;
	e.mono_us = now;
	e.idle_client_us = now - t->client.last_us + 1; /* 0 would mean: not said */
	e.idle_serve_us = now - t->serve.last_us + 1;
	room_emit_quietly(r->front->room, &e);
}

static void on_round(struct ev_loop *loop, struct ev_timer *w, int revents)
{
	struct witness_round *r = w->data;
	struct front *f = r->front;
	struct tunnel **found = calloc(f->n_tunnels + 1, sizeof *found), *t;
	size_t n = 0, told = 0;

	(void)loop, (void)revents;
	LIST_FOREACH (t, &f->tunnels, link)
		if (found && !t->told && t->opened_us < r->since_us && t->client.last_us > r->since_us)
			found[n++] = t;
	if (n > 0)
		qsort(found, n, sizeof *found, tunnel_compare);
	for (size_t i = 0; i < n && told < WITNESSES_MAX; i++)
		if (i == 0 || strcmp(found[i]->user, found[i - 1]->user) != 0) {
			witness_emit(r, found[i]);
			told++;
		}
	free(found);
	round_free(r);
}

void witness_round_begin(struct front *f, uint64_t id, uint64_t since_us)
{
	struct witness_round *r = calloc(1, sizeof *r);

	if (!r)
		return; /* a verdict without witnesses is broader, not wrong */
	r->front = f;
	r->id = id;
	r->since_us = since_us;
	ev_timer_init(&r->timer, on_round, ROUND_SECONDS, 0.);
	r->timer.data = r;
	LIST_INSERT_HEAD(&f->rounds, r, link);
	ev_timer_start(f->loop, &r->timer);
}

void witness_rounds_free(struct front *f)
{
	struct witness_round *r;

	while ((r = LIST_FIRST(&f->rounds)))
		round_free(r);
}
