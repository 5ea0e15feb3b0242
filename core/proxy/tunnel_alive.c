/* SPDX-License-Identifier: MIT */
/* Live-tunnel evidence; see tunnel_alive.h. */
#include "proxy/tunnel_alive.h"

#include <stdlib.h>
#include <string.h>

#include "proxy/tunnel_state.h"
#include "proxy/worker.h"

#define ROUND_SECONDS     1.
#define ALIVE_TUNNELS_MAX 256 /* more of them acquit nothing new */

struct alive_round {
	LIST_ENTRY(alive_round) link;
	struct worker *worker;
	struct ev_timer timer;
	uint64_t id, since_us;
};

struct alive_rounds {
	LIST_HEAD(, alive_round) list;
};

static void round_free(struct alive_round *r)
{
	ev_timer_stop(r->worker->loop, &r->timer);
	LIST_REMOVE(r, link);
	free(r);
}

/* By user and location; of those tunnels the one whose t3 server sent last comes first. */
static int tunnel_compare(const void *a, const void *b)
{
	const struct tunnel *l = *(struct tunnel *const *)a, *r = *(struct tunnel *const *)b;
	int order = strcmp(l->user, r->user);

	if (order == 0)
		order = strcmp(l->colo, r->colo);
	if (order != 0)
		return order;
	return l->upstream.last_us > r->upstream.last_us ? -1 : l->upstream.last_us < r->upstream.last_us;
}

/* What one of them shows, the other shows as well. */
static bool is_alike(const struct tunnel *a, const struct tunnel *b)
{
	return strcmp(a->user, b->user) == 0 && strcmp(a->colo, b->colo) == 0;
}

static void alive_emit(struct alive_round *r, const struct tunnel *t)
{
	uint64_t now = clock_mono_us();
	struct event e;

	event_init(&e, EVENT_TUNNEL_ALIVE, PROCESS_PROXY);
	e.id = r->id;
	event_set(e.user, t->user);
	event_set(e.colo, t->colo);
	e.age_us = now - t->steady_us + 1; /* so long it was heard without a gap */
	e.mono_us = now;
	e.idle_client_us = now - t->client.last_us + 1; /* 0 would mean: not said */
	e.idle_upstream_us = now - t->upstream.last_us + 1;
	process_emit_quietly(r->worker->process, &e);
}

static void on_round(struct ev_loop *loop, struct ev_timer *w, int revents)
{
	struct alive_round *r = w->data;
	struct tunnels *all = r->worker->tunnels;
	struct tunnel **found = calloc(all->n + 1, sizeof *found), *t;
	size_t n = 0, reported = 0;

	(void)loop, (void)revents;
	LIST_FOREACH (t, &all->list, link)
		if (found && !tunnel_has_ended(t) && t->opened_us < r->since_us && t->client.last_us > r->since_us)
			found[n++] = t;
	if (n > 0)
		qsort(found, n, sizeof *found, tunnel_compare);
	for (size_t i = 0; i < n && reported < ALIVE_TUNNELS_MAX; i++)
		if (i == 0 || !is_alike(found[i], found[i - 1])) {
			alive_emit(r, found[i]);
			reported++;
		}
	free(found);
	round_free(r);
}

void alive_round_begin(struct worker *worker, uint64_t id, uint64_t since_us)
{
	struct alive_round *r = calloc(1, sizeof *r);

	if (!r)
		return; /* a verdict without live tunnels is broader, not wrong */
	r->worker = worker;
	r->id = id;
	r->since_us = since_us;
	ev_timer_init(&r->timer, on_round, ROUND_SECONDS, 0.);
	r->timer.data = r;
	LIST_INSERT_HEAD(&worker->alive_rounds->list, r, link);
	ev_timer_start(worker->loop, &r->timer);
}

struct alive_rounds *alive_rounds_new(void)
{
	struct alive_rounds *all = calloc(1, sizeof *all);

	if (all)
		LIST_INIT(&all->list);
	return all;
}

void alive_rounds_free(struct alive_rounds *all)
{
	struct alive_round *r;

	if (!all)
		return;
	while ((r = LIST_FIRST(&all->list)))
		round_free(r);
	free(all);
}
