/* SPDX-License-Identifier: MIT */
/* Who has a t3 server in hand: one at a time, until the holder's process has ended. */
#include "common/server_hold.h"

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

/* A process that holds it until it is killed. */
static pid_t holder_start(const struct t3ops_user *user)
{
	int ready[2];
	char byte;
	pid_t pid;

	assert_int_equal(pipe(ready), 0);
	pid = fork();
	if (pid == 0) {
		char why[100];

		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (server_hold(user, why, sizeof why) == 0 && write(ready[1], "x", 1) == 1)
			pause();
		_exit(1);
	}
	assert_int_equal(read(ready[0], &byte, 1), 1);
	close(ready[0]);
	close(ready[1]);
	return pid;
}

static void test_one_at_a_time(void **state)
{
	char home[] = "/tmp/hold.XXXXXX", path[64], why[100] = "";
	struct t3ops_user user = {.struct_size = sizeof user, .home = home};
	struct stat st;
	pid_t pid;

	(void)state;
	assert_non_null(mkdtemp(home));
	pid = holder_start(&user);
	assert_int_equal(server_hold(&user, why, sizeof why), -EBUSY);
	assert_string_equal(why, SERVER_HELD);
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	for (int again = 0; again < 2; again++)
		assert_int_equal(server_hold(&user, why, sizeof why), 0);
	snprintf(path, sizeof path, "%s/.t3ops.lock", home);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	unlink(path);
	rmdir(home);
}

static void test_no_home(void **state)
{
	static const char *const homes[] = {"", "/nonexistent", "relative"};
	char why[100] = "";

	(void)state;
	for (size_t i = 0; i < sizeof homes / sizeof homes[0]; i++) {
		const struct t3ops_user user = {.struct_size = sizeof user, .home = homes[i]};

		assert_int_equal(server_hold(&user, why, sizeof why), 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_one_at_a_time), cmocka_unit_test(test_no_home)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
