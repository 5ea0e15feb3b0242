/* SPDX-License-Identifier: MIT */
/* Questions on their way to legs; see probe_round.h. */
#include "prober/probe_round.h"

#define SOON_S .001

static struct t3ops_leg *leg_of(struct probe_item *item)
{
	return (struct t3ops_leg *)(void *)((char *)item - offsetof(struct t3ops_leg, probe));
}

static void some_ask(struct probe_round *r)
{
	struct probe_item *item;

	while (r->left > 0 && (item = probe_queue_take(&r->queue)) != NULL) {
		r->left--;
		leg_probe(leg_of(item), r->id, r->since_us);
	}
}

static void on_pause(struct ev_loop *loop, struct ev_timer *w, int revents)
{
	struct probe_round *r = w->data;

	(void)revents;
	r->left = PROBE_BATCH;
	some_ask(r);
	if (r->left == PROBE_BATCH)
		ev_timer_stop(loop, w); /* nothing waits */
}

void probe_round_init(struct probe_round *r, struct ev_loop *loop)
{
	*r = (struct probe_round){.loop = loop, .left = PROBE_BATCH};
	probe_queue_init(&r->queue);
	ev_timer_init(&r->pause, on_pause, 0., 0.);
	r->pause.data = r;
}

void probe_round_fini(struct probe_round *r)
{
	ev_timer_stop(r->loop, &r->pause);
}

void probe_round_ask(struct probe_round *r, struct t3ops_leg *leg, const struct msg_probe *probe, uint64_t id,
                     bool affected)
{
	r->id = id;
	r->since_us = probe->since_us;
	if (!leg->per_user) {
		leg_probe(leg, id, probe->since_us);
		return;
	}
	probe_queue_add(&r->queue, &leg->probe, affected);
	if (ev_is_active(&r->pause))
		return;
	ev_timer_set(&r->pause, SOON_S, PROBE_PAUSE_MS / 1e3); /* who was affected may be named by the next message */
	ev_timer_start(r->loop, &r->pause);
}

void probe_round_forget(struct probe_round *r, struct t3ops_leg *leg)
{
	probe_queue_remove(&r->queue, &leg->probe);
}
