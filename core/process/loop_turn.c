/* SPDX-License-Identifier: MIT */
/* How long a loop works without a look at what came meanwhile; see loop_turn.h. */
#include "process/loop_turn.h"

#include "sys/clock.h"

/* What was fed last is called first. */
static void waiting_first(const struct loop_turn *t)
{
	const struct turn_place *p;
	int revents;

	TAILQ_FOREACH_REVERSE (p, &t->waiting, turn_waiting, link) {
		revents = ev_clear_pending(t->loop, p->io);
		if (revents != 0)
			ev_feed_event(t->loop, p->io, revents);
	}
}

/* ---- queued work ------------------------------------------------------------------------------------------ */

void loop_turn_queue(struct loop_turn *t, struct turn_work *w)
{
	if (w->waits)
		return;
	w->waits = true;
	TAILQ_INSERT_TAIL(&t->works, w, link);
	ev_idle_start(t->loop, &t->idle);
}

void loop_turn_unqueue(struct loop_turn *t, struct turn_work *w)
{
	if (w->waits)
		TAILQ_REMOVE(&t->works, w, link);
	w->waits = false;
	if (TAILQ_EMPTY(&t->works))
		ev_idle_stop(t->loop, &t->idle);
}

bool loop_turn_has_work(const struct loop_turn *t)
{
	return !TAILQ_EMPTY(&t->works);
}

static void slice_do(struct loop_turn *t)
{
	uint64_t until_us = clock_mono_us() + LOOP_SLICE_US;
	struct turn_work *w;
	unsigned units = 0;

	while (units < LOOP_SLICE && (w = TAILQ_FIRST(&t->works)) && (units == 0 || clock_mono_us() < until_us)) {
		loop_turn_unqueue(t, w);
		units += w->run(w);
	}
	if (units <= t->largest_slice)
		return;
	t->largest_slice = units;
	series_set(t->largest, units);
}

static void on_slice(struct ev_loop *loop, struct ev_check *w, int revents)
{
	(void)loop, (void)revents;
	if (loop_turn_has_work(w->data))
		slice_do(w->data);
}

/* Being active is what it is for. */
static void on_idle(struct ev_loop *loop, struct ev_idle *w, int revents)
{
	(void)loop, (void)w, (void)revents;
}

/* ---- turns ------------------------------------------------------------------------------------------------ */

static void on_woken(struct ev_loop *loop, struct ev_check *w, int revents)
{
	struct loop_turn *t = w->data;

	(void)loop, (void)revents;
	t->began_us = clock_mono_us();
	waiting_first(t);
}

void loop_turn_start(struct loop_turn *t, struct ev_loop *loop, struct metrics *metrics, const char *name)
{
	static const struct t3ops_metric longest = {
	    .name = "t3ops_loop_turn_longest_seconds",
	    .type = T3OPS_GAUGE,
	    .labels = {"process"},
	    .help =
	        "The longest time so far for which the process's loop worked without a look at what came meanwhile."};
	static const struct t3ops_metric largest = {
	    .name = "t3ops_loop_slice_largest",
	    .type = T3OPS_GAUGE,
	    .labels = {"process"},
	    .help =
	        "The most pieces of work so far, of those that may come by thousands, that one turn of the process's "
	        "loop did."};
	const char *const labels[] = {name};

	*t = (struct loop_turn){.loop = loop,
	                        .longest = metrics_series(metrics, &longest, NULL, NULL, labels),
	                        .largest = metrics_series(metrics, &largest, NULL, NULL, labels)};
	TAILQ_INIT(&t->waiting);
	TAILQ_INIT(&t->works);
	ev_idle_init(&t->idle, on_idle);
	ev_check_init(&t->woken, on_woken);
	ev_set_priority(&t->woken, EV_MAXPRI);
	t->woken.data = t;
	ev_check_start(loop, &t->woken);
	ev_unref(loop);
	ev_check_init(&t->slice, on_slice);
	ev_set_priority(&t->slice, EV_MAXPRI - 1); /* after whoever says that the process stood still */
	t->slice.data = t;
	ev_check_start(loop, &t->slice);
	ev_unref(loop);
}

bool loop_turn_end(struct loop_turn *t)
{
	uint64_t took_us = t->began_us > 0 ? clock_mono_us() - t->began_us : 0;

	t->is_long = false;
	t->began_us = 0;
	if (took_us > t->longest_us) {
		t->longest_us = took_us;
		series_set(t->longest, (double)took_us / 1e6);
	}
	return took_us >= LOOP_TURN_US;
}

void loop_turn_reset(struct loop_turn *t)
{
	t->began_us = t->longest_us = 0;
	t->largest_slice = 0;
	series_set(t->longest, 0);
	series_set(t->largest, 0);
}

bool loop_turn_spend(struct loop_turn *t)
{
	t->is_long = t->is_long || (t->began_us > 0 && clock_mono_us() - t->began_us >= LOOP_TURN_US);
	return t->is_long;
}

bool loop_turn_put_off(struct loop_turn *t, struct turn_place *p, struct ev_io *io)
{
	if (!t->is_long) {
		loop_turn_leave(t, p);
		return false;
	}
	if (!p->io) {
		p->io = io;
		TAILQ_INSERT_TAIL(&t->waiting, p, link);
	}
	return true;
}

void loop_turn_leave(struct loop_turn *t, struct turn_place *p)
{
	if (p->io)
		TAILQ_REMOVE(&t->waiting, p, link);
	p->io = NULL;
}
