/* SPDX-License-Identifier: MIT */
/*
 * The turns of a process's loop: one begins when the loop was woken and ends before it waits again.  Whatever comes
 * meanwhile waits as long, so the longest turn is measured, and work that can be put off is, once a turn is long.
 * Whoever was put off has its turn before those that came since: libev calls first what became ready last.
 *
 * Work of which there may be very much at once - thousands of connections that end - is queued instead, and done in
 * slices, one at the beginning of each turn, before anything is read: so few at a time that whoever comes meanwhile
 * does not notice.
 */
#ifndef T3OPS_PROCESS_LOOP_TURN_H
#define T3OPS_PROCESS_LOOP_TURN_H

#include <ev.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "obs/metrics.h"

#define LOOP_TURN_US 10000 /* after that it is long */

#define LOOP_SLICE    64   /* units of queued work in a turn, a few more if the last one had several, */
#define LOOP_SLICE_US 2000 /* and less if they take so long */

/* Queued work; zeroed before its first time. */
struct turn_work {
	TAILQ_ENTRY(turn_work) link;
	unsigned (*run)(struct turn_work *w); /* does some of it: how many units; may free it, or queue it again */
	void *data;
	bool waits;
};

/* Of a watcher that can be put off: among those that wait for the next turn. */
struct turn_place {
	TAILQ_ENTRY(turn_place) link;
	struct ev_io *io; /* NULL: it does not wait */
};

struct loop_turn {
	struct ev_loop *loop;
	TAILQ_HEAD(turn_waiting, turn_place) waiting; /* the first one for longest */
	TAILQ_HEAD(turn_works, turn_work) works;
	unsigned largest_slice; /* units */
	struct ev_check woken, slice;
	struct ev_idle idle; /* while work is queued the loop does not wait */
	uint64_t began_us, longest_us;
	struct series *longest, *largest;
	bool is_long;
};

/* name: of the process, static. */
void loop_turn_start(struct loop_turn *t, struct ev_loop *loop, struct metrics *metrics, const char *name);
/* Before the loop waits: the turn is over.  Whether it was long. */
bool loop_turn_end(struct loop_turn *t);
/* Forgets what was measured: that was the start. */
void loop_turn_reset(struct loop_turn *t);

/* After some work: whether the turn is long by now.  It stays so until its end. */
bool loop_turn_spend(struct loop_turn *t);

/* Whether what io is called for waits until the next turn, for which it has to stay ready: this one is long.  False:
 * it has its turn now. */
bool loop_turn_put_off(struct loop_turn *t, struct turn_place *p, struct ev_io *io);
/* It is about to go. */
void loop_turn_leave(struct loop_turn *t, struct turn_place *p);

/* At the end of the queue, if it is not in it. */
void loop_turn_queue(struct loop_turn *t, struct turn_work *w);
/* It is not to be done any more, or was. */
void loop_turn_unqueue(struct loop_turn *t, struct turn_work *w);
bool loop_turn_has_work(const struct loop_turn *t);

#endif
