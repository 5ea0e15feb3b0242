/* SPDX-License-Identifier: MIT */
/* Programs: their output, their limits, their end; run as whoever runs the test, or as nobody for root. */
#include "helper/program.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define SECOND UINT64_C(1000000)

struct seen {
	struct ev_loop *loop;
	int calls, error, exit_code;
	char out[256];
	size_t len;
};

static struct user account(void)
{
	const struct passwd *pw = geteuid() == 0 ? getpwnam("nobody") : getpwuid(geteuid());
	struct user user = {.name = "alice", .home = "/", .is_asked = true, .has_uid = pw != NULL};

	user.uid = pw ? pw->pw_uid : 0;
	user.gid = pw ? pw->pw_gid : 0;
	snprintf(user.os_user, sizeof user.os_user, "%s", pw ? pw->pw_name : "");
	return user;
}

static void on_ended(void *arg, const struct program_end *end)
{
	struct seen *s = arg;

	s->calls++;
	s->error = end->error;
	s->exit_code = end->exit_code;
	s->len = end->out_len < sizeof s->out ? end->out_len : sizeof s->out - 1;
	memcpy(s->out, end->out, s->len);
	s->out[s->len] = '\0';
	ev_break(s->loop, EVBREAK_ALL);
}

/* Runs a shell script: the shell is the test's program, t3ops never starts one. */
static struct seen run(const char *script, uint64_t timeout_us, size_t max_output, int input_fd)
{
	char *const argv[] = {(char *)"/bin/sh", (char *)"-c", (char *)(uintptr_t)script, NULL};
	struct user user = account();
	struct seen s = {.loop = ev_loop_new(EVFLAG_NOSIGMASK)};
	struct program_start start = {.argv = argv,
	                              .user = &user,
	                              .timeout_us = timeout_us,
	                              .max_output = max_output,
	                              .input_fd = input_fd,
	                              .channel_fd = input_fd};

	assert_non_null(program_start(s.loop, &start, on_ended, &s));
	ev_run(s.loop, 0);
	assert_int_equal(s.calls, 1);
	ev_loop_destroy(s.loop);
	return s;
}

static void ends(void **state)
{
	static const struct {
		const char *script;
		int error, exit_code;
		const char *out;
	} rows[] = {
	    {"printf hello", 0, 0, "hello"},
	    {"printf said; exit 3", 0, 3, "said"},
	    {"echo hidden >&2", 0, 0, ""},
	    {"kill -TERM $$", 0, 128 + SIGTERM, ""},
	    {"printf '%s' \"$PATH:$USER_SECRET\"", 0, 0,
	     "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:"},
	    {"pwd", 0, 0, "/\n"},
	    {"ls -1 /proc/self/fd | wc -l", 0, 0, "4\n"}, /* 0, 1, 2 and that of ls itself */
	};

	(void)state;
	setenv("USER_SECRET", "leaked", 1);
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct seen s = run(rows[i].script, 30 * SECOND, 4096, -1);

		if (s.error != rows[i].error || s.exit_code != rows[i].exit_code || strcmp(s.out, rows[i].out) != 0)
			fail_msg("%s: error %d exit %d out \"%s\"", rows[i].script, s.error, s.exit_code, s.out);
	}
}

static void deadline_ends_the_whole_group(void **state)
{
	char mark[] = "/tmp/t3ops-program.XXXXXX", script[256], name[64];
	int fd = mkstemp(mark), pid = 0;
	struct seen s;
	FILE *f;

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(fchmod(fd, 0666), 0);
	snprintf(script, sizeof script, "sleep 1000 & echo $! > %s; wait", mark);
	s = run(script, SECOND / 2, 4096, -1);
	assert_int_equal(s.error, -ETIMEDOUT);
	f = fdopen(fd, "r");
	assert_int_equal(fscanf(f, "%d", &pid), 1);
	fclose(f);
	unlink(mark);
	snprintf(name, sizeof name, "/proc/%d/cmdline", pid);
	for (int i = 0; i < 1000 && access(name, F_OK) == 0; i++) {
		char line[16] = "";
		int cmd = open(name, O_RDONLY);

		/* a zombie waiting for init has no command line any more */
		if (cmd < 0 || read(cmd, line, sizeof line) <= 0) {
			if (cmd >= 0)
				close(cmd);
			return;
		}
		close(cmd);
		usleep(10000);
	}
	assert_int_not_equal(access(name, F_OK), 0);
}

static void output_is_limited(void **state)
{
	struct seen s = run("while :; do echo xxxxxxxxxxxxxxxx; done", 30 * SECOND, 64, -1);

	(void)state;
	assert_int_equal(s.error, -E2BIG);
	assert_int_equal(s.len, 64);
}

static void what_stays_behind_holds_nothing_up(void **state)
{
	struct seen s = run("sleep 1000 & printf done", 30 * SECOND, 64, -1);

	(void)state;
	assert_int_equal(s.error, 0);
	assert_string_equal(s.out, "done");
}

/* Out of the group, out of the kill's reach, and it never stops writing. */
static void what_left_the_group_holds_nothing_up(void **state)
{
	struct seen s = run("for i in 1 2 3 4; do setsid yes & done; wait", 30 * SECOND, 4096, -1);

	(void)state;
	assert_int_equal(s.error, -E2BIG);
	s = run("printf done; for i in 1 2 3 4; do setsid yes >&2 & done; sleep 0.3; exit 3", 30 * SECOND, 4096, -1);
	assert_int_equal(s.error, 0);
	assert_int_equal(s.exit_code, 3);
	assert_string_equal(s.out, "done");
}

static void input_is_descriptor_3(void **state)
{
	int fd = memfd_create("input", MFD_CLOEXEC);
	struct seen s;

	(void)state;
	assert_int_equal(write(fd, "secret", 6), 6);
	lseek(fd, 0, SEEK_SET);
	s = run("cat <&3", 30 * SECOND, 64, fd);
	close(fd);
	assert_string_equal(s.out, "secret");
}

static void what_cannot_be_started(void **state)
{
	struct user user = account();
	char *const argv[] = {(char *)"/no/such/program", NULL};
	struct seen s = {.loop = ev_loop_new(EVFLAG_NOSIGMASK)};
	struct program_start start = {
	    .argv = argv, .user = &user, .timeout_us = SECOND, .max_output = 64, .input_fd = -1, .channel_fd = -1};

	(void)state;
	assert_non_null(program_start(s.loop, &start, on_ended, &s));
	ev_run(s.loop, 0);
	assert_int_equal(s.exit_code, 127);
	if (geteuid() == 0) { /* nothing is ever run for a user as root */
		user.uid = 0;
		assert_null(program_start(s.loop, &start, on_ended, &s));
		assert_int_equal(errno, EPERM);
		user.has_uid = false;
		assert_null(program_start(s.loop, &start, on_ended, &s));
		assert_int_equal(errno, ENOENT);
	}
	ev_loop_destroy(s.loop);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(ends),
	                                   cmocka_unit_test(deadline_ends_the_whole_group),
	                                   cmocka_unit_test(output_is_limited),
	                                   cmocka_unit_test(what_stays_behind_holds_nothing_up),
	                                   cmocka_unit_test(what_left_the_group_holds_nothing_up),
	                                   cmocka_unit_test(input_is_descriptor_3),
	                                   cmocka_unit_test(what_cannot_be_started)};

	alarm(300); /* a helper that is held up never comes back */

	return cmocka_run_group_tests(tests, NULL, NULL);
}
