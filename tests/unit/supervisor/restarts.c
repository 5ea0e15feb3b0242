/* SPDX-License-Identifier: MIT */
/* Pauses before a restart: the first is short, they double up to the limit, and a long life forgives. */
#include "supervisor/restarts.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define MS     UINT64_C(1000)
#define SECOND (1000 * MS)
#define SLOT   PROCESS_JOBS

static struct ev_loop *loop;
static struct restarts restarts;
static unsigned due_slot;

static void on_due(void *arg, unsigned slot)
{
	(void)arg;
	due_slot = slot;
	ev_break(loop, EVBREAK_ALL);
}

static int setup(void **state)
{
	(void)state;
	loop = ev_loop_new(EVFLAG_AUTO);
	assert_non_null(loop);
	restarts_init(&restarts, loop, on_due, NULL);
	restarts.pause_max_us = SECOND;
	due_slot = 0;
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	restarts_stop(&restarts);
	ev_loop_destroy(loop);
	return 0;
}

static void test_back_off(void **state)
{
	static const uint64_t pauses_ms[] = {100, 200, 400, 800, 1000, 1000};

	(void)state;
	for (size_t i = 0; i < sizeof pauses_ms / sizeof pauses_ms[0]; i++)
		assert_int_equal(restart_schedule(&restarts, SLOT, SECOND), pauses_ms[i] * MS);
	assert_int_equal(restart_schedule(&restarts, PROCESS_PROXY, SECOND), 100 * MS);
	assert_int_equal(restart_schedule(&restarts, SLOT, 61 * SECOND), 100 * MS);
	assert_int_equal(restart_schedule(&restarts, SLOT, SECOND), 200 * MS);
	restart_cancel(&restarts, SLOT);
	assert_false(ev_is_active(&restarts.slots[SLOT].timer));
	assert_int_equal(restart_schedule(&restarts, SLOT, SECOND), 100 * MS);
}

static void test_due(void **state)
{
	(void)state;
	restart_schedule(&restarts, SLOT, 0);
	ev_run(loop, 0);
	assert_int_equal(due_slot, SLOT);
	restarts.pause_max_us = MS;
	restart_retry(&restarts, PROCESS_PROXY);
	ev_run(loop, 0);
	assert_int_equal(due_slot, PROCESS_PROXY);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_back_off, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_due, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
