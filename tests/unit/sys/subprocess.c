/* SPDX-License-Identifier: MIT */
/* Functions in throwaway processes: what they write, how they end, and that nobody waits for them. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "sys/subprocess.h"

#define LIMIT_US UINT64_C(30000000)

struct outcome {
	int ended;
	bool timed_out;
	int status;
	char text[SUBPROCESS_PIPES][64];
	size_t len[SUBPROCESS_PIPES];
};

static void on_end(void *arg, const struct subprocess_end *end)
{
	struct outcome *o = arg;

	o->ended++;
	o->timed_out = end->timed_out;
	o->status = end->status;
	for (size_t i = 0; i < SUBPROCESS_PIPES; i++) {
		o->len[i] = end->len[i];
		snprintf(o->text[i], sizeof o->text[i], "%s", end->bytes[i]);
	}
}

/* Runs it to its end. */
static struct outcome run(int (*function)(void *arg, const int pipes[SUBPROCESS_PIPES]), uint64_t timeout_us,
                          size_t max_bytes)
{
	struct outcome o = {0};
	struct subprocess_start start = {
	    .run = function, .on_end = on_end, .arg = &o, .timeout_us = timeout_us, .max_bytes = max_bytes};
	struct ev_loop *loop = ev_loop_new(EVFLAG_AUTO);

	assert_non_null(subprocess_start(loop, &start));
	assert_int_equal(o.ended, 0);
	ev_run(loop, 0);
	ev_loop_destroy(loop);
	assert_int_equal(o.ended, 1);
	return o;
}

static int writes(void *arg, const int pipes[SUBPROCESS_PIPES])
{
	(void)arg;
	dprintf(pipes[0], "one");
	dprintf(pipes[1], "two");
	dprintf(pipes[0], " three");
	return 7;
}

static void test_output_and_status(void **state)
{
	struct outcome o = run(writes, LIMIT_US, 1000);

	(void)state;
	assert_string_equal(o.text[0], "one three");
	assert_string_equal(o.text[1], "two");
	assert_true(WIFEXITED(o.status) && WEXITSTATUS(o.status) == 7);
	assert_false(o.timed_out);
}

static int hangs(void *arg, const int pipes[SUBPROCESS_PIPES])
{
	(void)arg;
	dprintf(pipes[0], "before");
	while (pause() < 0)
		;
	return 0;
}

static void test_deadline(void **state)
{
	struct outcome o = run(hangs, 50000, 1000);

	(void)state;
	assert_true(o.timed_out);
	assert_true(WIFSIGNALED(o.status) && WTERMSIG(o.status) == SIGKILL);
	assert_string_equal(o.text[0], "before");
}

static int crashes(void *arg, const int pipes[SUBPROCESS_PIPES])
{
	(void)arg, (void)pipes;
	raise(SIGSEGV);
	return 0;
}

static void test_crash(void **state)
{
	struct outcome o = run(crashes, LIMIT_US, 1000);

	(void)state;
	assert_false(o.timed_out);
	assert_true(WIFSIGNALED(o.status));
}

static int floods(void *arg, const int pipes[SUBPROCESS_PIPES])
{
	static const char block[4096];

	(void)arg;
	while (write(pipes[1], block, sizeof block) > 0)
		;
	return 1;
}

static void test_too_much_is_a_broken_pipe(void **state)
{
	struct outcome o = run(floods, LIMIT_US, 100000);

	(void)state;
	assert_true(WIFSIGNALED(o.status) && WTERMSIG(o.status) == SIGPIPE);
	assert_true(o.len[1] > 100000 && o.len[1] <= 100000 + 65536);
}

/* A descendant that left the group keeps the pipes open; it ends when the test's own pipe does. */
static int leaves_somebody(void *arg, const int pipes[SUBPROCESS_PIPES])
{
	(void)arg;
	if (fork() == 0) {
		setsid();
		while (write(pipes[0], ".", 1) == 1)
			usleep(1000);
		_exit(0);
	}
	return 0;
}

static void test_descendants_are_not_waited_for(void **state)
{
	struct outcome o = run(leaves_somebody, LIMIT_US, 1000);

	(void)state;
	assert_false(o.timed_out);
	assert_true(WIFEXITED(o.status) && WEXITSTATUS(o.status) == 0);
}

static int looks_around(void *arg, const int pipes[SUBPROCESS_PIPES])
{
	int open = 0;

	(void)arg;
	for (int fd = 3; fd < 1024; fd++)
		open += fd != pipes[0] && fd != pipes[1] && write(fd, "", 0) == 0;
	dprintf(pipes[0], "%d", open);
	return 0;
}

static void test_nothing_is_inherited(void **state)
{
	struct outcome o;
	int fds[2];

	(void)state;
	assert_int_equal(pipe(fds), 0);
	o = run(looks_around, LIMIT_US, 1000);
	close(fds[0]);
	close(fds[1]);
	assert_string_equal(o.text[0], "0");
}

static void test_cancel(void **state)
{
	struct outcome o = {0};
	struct subprocess_start start = {
	    .run = hangs, .on_end = on_end, .arg = &o, .timeout_us = LIMIT_US, .max_bytes = 1000};
	struct ev_loop *loop = ev_loop_new(EVFLAG_AUTO);
	struct subprocess *p = subprocess_start(loop, &start);

	(void)state;
	assert_non_null(p);
	subprocess_cancel(p);
	subprocess_cancel(NULL);
	ev_run(loop, 0);
	ev_loop_destroy(loop);
	assert_int_equal(o.ended, 0);
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_output_and_status),
	    cmocka_unit_test(test_deadline),
	    cmocka_unit_test(test_crash),
	    cmocka_unit_test(test_too_much_is_a_broken_pipe),
	    cmocka_unit_test(test_descendants_are_not_waited_for),
	    cmocka_unit_test(test_nothing_is_inherited),
	    cmocka_unit_test(test_cancel),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
