/* SPDX-License-Identifier: MIT */
/* How long a loop works without a look at what came meanwhile; see loop_turn.h. */
#include "process/loop_turn.h"

#include "sys/clock.h"

static void on_woken(struct ev_loop *loop, struct ev_check *w, int revents)
{
	struct loop_turn *t = w->data;

	(void)loop, (void)revents;
	t->began_us = clock_mono_us();
}

void loop_turn_start(struct loop_turn *t, struct ev_loop *loop, struct metrics *metrics, const char *name)
{
	static const struct t3ops_metric longest = {
	    .name = "t3ops_loop_turn_longest_seconds",
	    .type = T3OPS_GAUGE,
	    .labels = {"process"},
	    .help =
	        "The longest time so far for which the process's loop worked without a look at what came meanwhile."};

	*t = (struct loop_turn){
	    .longest = metrics_series(metrics, &longest, NULL, NULL, (const char *const[]){name})};
	ev_check_init(&t->woken, on_woken);
	ev_set_priority(&t->woken, EV_MAXPRI);
	t->woken.data = t;
	ev_check_start(loop, &t->woken);
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
	series_set(t->longest, 0);
}

bool loop_turn_spend(struct loop_turn *t)
{
	t->is_long = t->is_long || (t->began_us > 0 && clock_mono_us() - t->began_us >= LOOP_TURN_US);
	return t->is_long;
}
