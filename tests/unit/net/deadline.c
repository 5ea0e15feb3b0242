/* SPDX-License-Identifier: MIT */
/* A deadline that is moved: once, and never before its time. */
#include "net/deadline.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "sys/clock.h"

#define MS(n) (UINT64_C(1000) * (n))

static unsigned fired;

static void on_due(void *arg)
{
	(void)arg;
	fired++;
}

/* Moved as requests do it, from a long one to a short one and back. */
static void test_never_early(void **state)
{
	static const uint64_t after_us[] = {MS(1), MS(5), MS(30)};
	struct ev_loop *loop = ev_loop_new(EVFLAG_AUTO);
	struct deadline d;

	(void)state;
	assert_non_null(loop);
	for (size_t i = 0; i < sizeof after_us / sizeof after_us[0]; i++) {
		uint64_t began_us;

		fired = 0;
		deadline_init(&d, on_due, NULL);
		deadline_set(loop, &d, MS(60000));
		deadline_set(loop, &d, MS(1));
		began_us = clock_mono_us();
		deadline_set(loop, &d, after_us[i]);
		ev_run(loop, 0); /* until no timer is left */
		assert_int_equal(fired, 1);
		assert_true(clock_mono_us() - began_us >= after_us[i]);
	}
	ev_loop_destroy(loop);
}

static void test_none(void **state)
{
	struct ev_loop *loop = ev_loop_new(EVFLAG_AUTO);
	struct deadline d;

	(void)state;
	assert_non_null(loop);
	fired = 0;
	deadline_init(&d, on_due, NULL);
	deadline_set(loop, &d, MS(1));
	deadline_set(loop, &d, 0);
	ev_run(loop, 0);
	deadline_set(loop, &d, MS(60000));
	deadline_stop(loop, &d);
	ev_run(loop, 0);
	assert_int_equal(fired, 0);
	ev_loop_destroy(loop);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_never_early),
	    cmocka_unit_test(test_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
