/* SPDX-License-Identifier: MIT */
/* Who answers is left alone; who does not is reported once. */
#include "supervisor/watchdog.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/wait.h>
#include <unistd.h>

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

/* ---- who sleeps ---------------------------------------------------------------------------------------------- */

static void on_round_asleep(void *arg)
{
	struct lab *lab = arg;

	if (++lab->rounds == 4 * ROUNDS)
		ev_break(lab->f.loop, EVBREAK_ALL);
}

static unsigned pings_of(const struct lab *lab, struct child *c)
{
	struct fake_message m;
	unsigned n = 0;

	while (fakes_read(&lab->f, c, &m))
		n++;
	return n;
}

/* A process that says that it sleeps: one that does, and this one, which runs. */
static void test_asleep(void **state)
{
	struct lab lab = {0};
	struct watchdog w = {
	    .processes = &lab.f.table, .on_stuck = on_stuck, .on_round = on_round_asleep, .arg = &lab};
	struct watchdog_page page = {.sleeps = 1};
	struct child *sleeper, *runs;
	pid_t pid = fork();

	(void)state;
	if (pid == 0) {
		for (;;)
			pause();
	}
	fakes_init(&lab.f);
	sleeper = fakes_add(&lab.f, PROCESS_PROXY);
	runs = fakes_add(&lab.f, PROCESS_JOBS);
	sleeper->watchdog = runs->watchdog = &page;
	sleeper->pid = pid;
	runs->pid = getpid();
	usleep(50000); /* it has to begin to sleep: no round before that */
	watchdog_start(&w, 3000);
	ev_run(lab.f.loop, 0);
	watchdog_stop(&w);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	assert_int_equal(pings_of(&lab, runs), 3);
	assert_int_equal(pings_of(&lab, sleeper),
	                 3); /* one after many rounds; it does not answer: those that follow */
	assert_int_equal(lab.reports, 2);
	assert_ptr_equal(lab.reported, sleeper); /* the last one */
	sleeper->watchdog = runs->watchdog = NULL;
	fakes_fini(&lab.f);
}

/* ---- whose loop goes round ------------------------------------------------------------------------------------ */

static void on_round_turning(void *arg)
{
	struct lab *lab = arg;

	lab->answers->watchdog->turns++;
	on_round_asleep(arg);
}

/* A process whose answers stand in a long queue. */
static void test_turning(void **state)
{
	struct lab lab = {0};
	struct watchdog w = {
	    .processes = &lab.f.table, .on_stuck = on_stuck, .on_round = on_round_turning, .arg = &lab};
	struct watchdog_page turning = {.turns = 0}, standing = {.turns = 7};

	(void)state;
	fakes_init(&lab.f);
	lab.answers = fakes_add(&lab.f, PROCESS_MONITOR);
	lab.stuck = fakes_add(&lab.f, PROCESS_JOBS);
	lab.answers->watchdog = &turning;
	lab.stuck->watchdog = &standing;
	watchdog_start(&w, 3000);
	ev_run(lab.f.loop, 0);
	watchdog_stop(&w);
	assert_int_equal(lab.reports, 1);
	assert_ptr_equal(lab.reported, lab.stuck);
	lab.answers->watchdog = lab.stuck->watchdog = NULL;
	fakes_fini(&lab.f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_stuck), cmocka_unit_test(test_asleep),
	                                   cmocka_unit_test(test_turning)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
