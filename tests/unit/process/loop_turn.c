/* SPDX-License-Identifier: MIT */
/* Whoever has to wait for a later turn of a loop gets one, however much there is to do. */
#include "process/loop_turn.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "sys/clock.h"

#define PEERS 8

struct peer {
	struct fixture *of;
	struct ev_io io;
	struct turn_place place;
	int other;
	unsigned turns; /* that it had */
};

struct fixture {
	struct ev_loop *loop;
	struct metrics *metrics;
	struct loop_turn turn;
	struct ev_prepare end;
	unsigned put_off;
	struct peer peers[PEERS];
};

/* There is always more to read, and each takes a whole turn. */
static void on_readable(struct ev_loop *loop, struct ev_io *io, int revents)
{
	struct peer *p = io->data;
	uint64_t until_us = clock_mono_us() + LOOP_TURN_US;

	(void)loop, (void)revents;
	if (loop_turn_put_off(&p->of->turn, &p->place, io)) {
		p->of->put_off++;
		return;
	}
	p->turns++;
	while (clock_mono_us() < until_us)
		;
	loop_turn_spend(&p->of->turn);
}

static void on_end(struct ev_loop *loop, struct ev_prepare *w, int revents)
{
	struct fixture *f = w->data;

	(void)loop, (void)revents;
	loop_turn_end(&f->turn);
}

static int setup(void **state)
{
	static struct fixture f;

	f = (struct fixture){.loop = ev_loop_new(0), .metrics = metrics_new()};
	loop_turn_start(&f.turn, f.loop, f.metrics, "proxy");
	ev_prepare_init(&f.end, on_end);
	f.end.data = &f;
	ev_prepare_start(f.loop, &f.end);
	for (size_t i = 0; i < PEERS; i++) {
		struct peer *p = &f.peers[i];
		int fds[2];

		assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
		assert_int_equal(write(fds[1], "x", 1), 1);
		p->of = &f;
		p->other = fds[1];
		ev_io_init(&p->io, on_readable, fds[0], EV_READ);
		p->io.data = p;
		ev_io_start(f.loop, &p->io);
	}
	*state = &f;
	return 0;
}

static void peer_drop(struct peer *p)
{
	loop_turn_leave(&p->of->turn, &p->place);
	ev_io_stop(p->of->loop, &p->io);
	if (p->other >= 0) {
		close(p->io.fd);
		close(p->other);
	}
	p->other = -1;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	for (size_t i = 0; i < PEERS; i++)
		peer_drop(&f->peers[i]);
	ev_loop_destroy(f->loop);
	metrics_free(f->metrics);
	return 0;
}

static void everybody_has_a_turn(void **state)
{
	struct fixture *f = *state;

	for (unsigned round = 1; round <= 3; round++) {
		for (unsigned turn = 0; turn < PEERS; turn++)
			ev_run(f->loop, EVRUN_NOWAIT);
		for (size_t i = 0; i < PEERS; i++)
			assert_int_equal(f->peers[i].turns, round);
	}
	assert_true(f->put_off > 0);
}

static void one_that_waits_may_go(void **state)
{
	struct fixture *f = *state;

	ev_run(f->loop, EVRUN_NOWAIT);
	for (size_t i = 0; i < PEERS; i++)
		if (f->peers[i].turns == 0 && i % 2 == 0)
			peer_drop(&f->peers[i]);
	for (unsigned turn = 0; turn < PEERS; turn++)
		ev_run(f->loop, EVRUN_NOWAIT);
	for (size_t i = 0; i < PEERS; i++)
		assert_true(f->peers[i].other < 0 || f->peers[i].turns > 0);
}

/* It is called when it is ready again, and nothing is called that is not. */
static void one_that_waits_may_have_nothing_more(void **state)
{
	struct fixture *f = *state;
	struct peer *last = NULL;
	char byte;

	ev_run(f->loop, EVRUN_NOWAIT);
	for (size_t i = 0; i < PEERS; i++)
		if (f->peers[i].turns == 0)
			last = &f->peers[i];
	assert_non_null(last);
	assert_int_equal(read(last->io.fd, &byte, 1), 1);
	for (unsigned turn = 0; turn < 2 * PEERS; turn++)
		ev_run(f->loop, EVRUN_NOWAIT);
	assert_int_equal(last->turns, 0);
	assert_int_equal(write(last->other, "x", 1), 1);
	ev_run(f->loop, EVRUN_NOWAIT);
	assert_int_equal(last->turns, 1);
}

/* ---- queued work ------------------------------------------------------------------------------------------ */

#define ENDS 10000

struct pile {
	struct fixture *of;
	struct turn_work ends[ENDS], walk;
	unsigned done, walked;
};

static unsigned one_ends(struct turn_work *w)
{
	struct pile *p = w->data;

	p->done++;
	return 1;
}

static unsigned some_walk(struct turn_work *w)
{
	struct pile *p = w->data;

	p->walked += 32;
	if (p->walked < ENDS)
		loop_turn_queue(&p->of->turn, w);
	return 32;
}

static struct pile *pile_new(struct fixture *f)
{
	struct pile *p = calloc(1, sizeof *p);

	assert_non_null(p);
	p->of = f;
	for (size_t i = 0; i < ENDS; i++)
		p->ends[i] = (struct turn_work){.run = one_ends, .data = p};
	p->walk = (struct turn_work){.run = some_walk, .data = p};
	for (size_t i = 0; i < PEERS; i++)
		ev_io_stop(f->loop, &f->peers[i].io);
	return p;
}

/* Whoever has the loop between two slices waits for no more than one, and the loop sleeps only when all is done. */
static void work_is_done_in_slices(void **state)
{
	struct fixture *f = *state;
	struct pile *p = pile_new(f);
	unsigned turns = 0;

	for (size_t i = 0; i < ENDS; i++) {
		loop_turn_queue(&f->turn, &p->ends[i]);
		loop_turn_queue(&f->turn, &p->ends[i]);
	}
	for (unsigned before = 0; p->done < ENDS; before = p->done) {
		ev_run(f->loop, EVRUN_ONCE);
		assert_true(p->done - before <= LOOP_SLICE);
		turns++;
	}
	assert_true(turns >= ENDS / LOOP_SLICE);
	assert_int_equal(p->done, ENDS);
	assert_int_equal(f->turn.largest_slice, LOOP_SLICE);
	assert_false(ev_is_active(&f->turn.idle));
	free(p);
}

static void work_that_goes_on_has_its_place_among_others(void **state)
{
	struct fixture *f = *state;
	struct pile *p = pile_new(f);

	loop_turn_queue(&f->turn, &p->walk);
	for (size_t i = 0; i < 40; i++)
		loop_turn_queue(&f->turn, &p->ends[i]);
	loop_turn_unqueue(&f->turn, &p->ends[7]);
	while (p->done < 39 || p->walked < ENDS)
		ev_run(f->loop, EVRUN_ONCE);
	assert_int_equal(p->done, 39);
	assert_true(f->turn.largest_slice < LOOP_SLICE + 32);
	assert_false(ev_is_active(&f->turn.idle));
	free(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(everybody_has_a_turn, setup, teardown),
	    cmocka_unit_test_setup_teardown(one_that_waits_may_go, setup, teardown),
	    cmocka_unit_test_setup_teardown(one_that_waits_may_have_nothing_more, setup, teardown),
	    cmocka_unit_test_setup_teardown(work_is_done_in_slices, setup, teardown),
	    cmocka_unit_test_setup_teardown(work_that_goes_on_has_its_place_among_others, setup, teardown)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
