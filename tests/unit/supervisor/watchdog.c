/* SPDX-License-Identifier: MIT */
/* Who answers is left alone; who does not is reported once. */
#include "supervisor/watchdog.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fake_processes.h"

#define ROUNDS 10

struct lab {
	struct fakes f;
	struct child *answers, *stuck;
	int rounds, reports;
	const struct child *reported;
};

static void on_stuck(void *arg, struct child *c)
{
	struct lab *lab = arg;

	lab->reports++;
	lab->reported = c;
}

static void on_round(void *arg)
{
	struct lab *lab = arg;
	struct fake_message m;

	while (fakes_read(&lab->f, lab->answers, &m)) {
		assert_int_equal(m.head.type, MSG_WATCHDOG_PING);
		watchdog_pong(lab->answers);
	}
	if (++lab->rounds == ROUNDS)
		ev_break(lab->f.loop, EVBREAK_ALL);
}

static void test_stuck(void **state)
{
	struct lab lab = {0};
	struct watchdog w = {.processes = &lab.f.table, .on_stuck = on_stuck, .on_round = on_round, .arg = &lab};
	struct fake_message m;
	int pings = 0;

	(void)state;
	fakes_init(&lab.f);
	lab.answers = fakes_add(&lab.f, PROCESS_PROXY);
	lab.stuck = fakes_add(&lab.f, PROCESS_JOBS);
	watchdog_start(&w, 3000);
	ev_run(lab.f.loop, 0);
	watchdog_stop(&w);
	assert_int_equal(lab.reports, 1);
	assert_ptr_equal(lab.reported, lab.stuck);
	while (fakes_read(&lab.f, lab.stuck, &m))
		pings++;
	assert_int_equal(pings, 3);
	fakes_fini(&lab.f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_stuck)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
