/* SPDX-License-Identifier: MIT */
/* Log lines: one a fact, and never waited for. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "obs/log.h"

static void test_level_parse(void **state)
{
	static const struct {
		const char *text;
		enum log_level level;
	} cases[] = {{"error", LOG_L_ERROR},
	             {"warning", LOG_L_WARNING},
	             {"notice", LOG_L_NOTICE},
	             {"info", LOG_L_INFO},
	             {"debug", LOG_L_DEBUG}};
	enum log_level level = LOG_L_ERROR;

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		assert_true(log_level_parse(cases[i].text, &level));
		assert_int_equal(level, cases[i].level);
	}
	assert_false(log_level_parse("INFO", &level));
	assert_false(log_level_parse("", &level));
	assert_false(log_level_parse("7", &level));
	assert_int_equal(level, LOG_L_DEBUG);
}

/* ---- whole lines, as they arrive on stderr ------------------------------------------------------ */

struct catcher {
	int memory, stderr_copy;
};

static struct catcher catch_begin(void)
{
	struct catcher c = {memfd_create("stderr", MFD_CLOEXEC), dup(STDERR_FILENO)};

	assert_true(c.memory >= 0 && c.stderr_copy >= 0);
	dup2(c.memory, STDERR_FILENO);
	return c;
}

/* Everything written since; stderr is back. */
static size_t catch_end(const struct catcher *c, char *out, size_t size)
{
	ssize_t n = pread(c->memory, out, size - 1, 0);

	dup2(c->stderr_copy, STDERR_FILENO);
	close(c->stderr_copy);
	close(c->memory);
	assert_true(n >= 0);
	out[n] = '\0';
	return (size_t)n;
}

static void test_line(void **state)
{
	char text[6000], *pairs;
	struct catcher c;

	(void)state;
	unsetenv("JOURNAL_STREAM");
	c = catch_begin();
	log_open("prober", LOG_L_INFO);
	log_write(LOG_L_WARNING, "leg_down", kv_plugin("probe_internal"), kv_reason("reset"));
	log_write(LOG_L_DEBUG, "unseen", kv_users(1));
	log_write(LOG_L_INFO, "bare");
	catch_end(&c, text, sizeof text);
	assert_memory_equal(text, "time=2", 6);
	pairs = strchr(text, ' ');
	assert_non_null(pairs);
	assert_memory_equal(
	    pairs, " level=warning process=prober event=leg_down plugin=probe_internal reason=reset\n",
	    strlen(" level=warning process=prober event=leg_down plugin=probe_internal reason=reset\n"));
	assert_null(strstr(text, "unseen"));
	assert_non_null(strstr(text, "event=bare"));
	assert_int_equal(text[strlen(text) - 1], '\n');
}

static void test_line_in_journald(void **state)
{
	char text[1000], stream[64];
	struct catcher c;
	struct stat st;

	(void)state;
	c = catch_begin();
	assert_int_equal(fstat(STDERR_FILENO, &st), 0);
	snprintf(stream, sizeof stream, "%ju:%ju", (uintmax_t)st.st_dev, (uintmax_t)st.st_ino);
	setenv("JOURNAL_STREAM", stream, 1);
	log_open("proxy", LOG_L_INFO);
	log_write(LOG_L_ERROR, "oops", kv_users(1));
	catch_end(&c, text, sizeof text);
	unsetenv("JOURNAL_STREAM");
	assert_string_equal(text, "<3>level=error process=proxy event=oops users=1\n");

	setenv("JOURNAL_STREAM", "1:1", 1); /* standard error went elsewhere since */
	c = catch_begin();
	log_open("proxy", LOG_L_INFO);
	log_write(LOG_L_ERROR, "oops");
	catch_end(&c, text, sizeof text);
	unsetenv("JOURNAL_STREAM");
	assert_memory_equal(text, "time=", 5);
}

/* A newline in a value makes no second line; huge ones are cut. */
static void test_line_stays_one(void **state)
{
	char text[12000], huge[9000];
	struct catcher c;
	size_t n;

	(void)state;
	memset(huge, 'x', sizeof huge - 1);
	huge[sizeof huge - 1] = '\0';
	log_open("t3ops", LOG_L_INFO);
	c = catch_begin();
	log_write(LOG_L_INFO, "a", kv_error("one\ntime=0 level=info forged\r"));
	log_write(LOG_L_INFO, "b", kv_error(huge), kv_hint(huge), kv_detail(huge), kv_user("alice"));
	n = catch_end(&c, text, sizeof text);
	assert_ptr_equal(strchr(strchr(text, '\n') + 1, '\n'), text + n - 1);
	assert_null(strchr(text, '\r'));
	assert_non_null(strstr(text, " user=alice truncated=2\n"));
	assert_true(n < 4096 + 200);
}

/* ---- a reader that does not read ----------------------------------------------------------------- */

static size_t drain(int fd, char *out, size_t size)
{
	size_t used = 0;
	ssize_t n;

	while ((n = read(fd, out + used, size - 1 - used)) > 0)
		used += (size_t)n;
	out[used] = '\0';
	return used;
}

/* In a child: fills stderr's pipe or socket far beyond its size, then tells how many lines were lost. */
static _Noreturn void flood(int stderr_fd, int go)
{
	char byte;

	dup2(stderr_fd, STDERR_FILENO);
	alarm(20); /* a write that waits ends the test */
	log_open("proxy", LOG_L_INFO);
	for (int i = 0; i < 20000; i++)
		log_write(LOG_L_INFO, "flooded", kv_users(i));
	if (log_lost() == 0 || write(go, "x", 1) != 1 || read(go, &byte, 1) != 1)
		_exit(1);
	log_write(LOG_L_INFO, "recovered");
	log_write(LOG_L_INFO, "again");
	_exit(0);
}

static void lose_and_recover(int reader, int writer)
{
	static char text[4 << 20];
	int go[2], status, shared = fcntl(writer, F_GETFL);
	char byte, *lost, *recovered;
	pid_t pid;

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, go), 0);
	pid = fork();
	if (pid == 0)
		flood(writer, go[1]);
	close(go[1]);
	assert_int_equal(read(go[0], &byte, 1), 1); /* it did not wait for us */
	assert_int_equal(fcntl(writer, F_GETFL), shared);
	fcntl(reader, F_SETFL, O_NONBLOCK);
	drain(reader, text, sizeof text);
	assert_non_null(strstr(text, "event=flooded users=0\n"));
	assert_null(strstr(text, "event=flooded users=19999\n"));
	assert_int_equal(write(go[0], "x", 1), 1);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	drain(reader, text, sizeof text);
	lost = strstr(text, "level=warning process=proxy event=log_lines_lost lost_lines=");
	recovered = strstr(text, "event=recovered");
	assert_non_null(lost);
	assert_true(recovered > lost);
	assert_null(strstr(recovered, "log_lines_lost"));
	close(go[0]);
	close(reader);
	close(writer);
}

static void test_full_pipe(void **state)
{
	int fds[2];

	(void)state;
	assert_int_equal(pipe(fds), 0);
	lose_and_recover(fds[0], fds[1]);
}

static void test_full_socket(void **state)
{
	int fds[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	lose_and_recover(fds[0], fds[1]);
}

static void count_error(void *arg, const char *event, const struct kv *pairs, size_t n)
{
	int *errors = arg;
	bool found = false;

	assert_string_equal(event, "start_failed");
	for (size_t i = 0; i < n; i++)
		found = found || (pairs[i].key == KV_error && strcmp(pairs[i].text, "no table") == 0);
	assert_true(found);
	++*errors;
}

static void test_on_error(void **state)
{
	int errors = 0;

	(void)state;
	log_on_error(count_error, &errors);
	log_write(LOG_L_ERROR, "start_failed", kv_path("/x"), kv_error("no table"));
	log_write(LOG_L_WARNING, "warned", kv_error("no table"));
	assert_int_equal(errors, 1);
	log_on_error(NULL, NULL);
	log_write(LOG_L_ERROR, "start_failed", kv_error("no table"));
	assert_int_equal(errors, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_level_parse),    cmocka_unit_test(test_on_error),
	    cmocka_unit_test(test_line),           cmocka_unit_test(test_line_in_journald),
	    cmocka_unit_test(test_line_stays_one), cmocka_unit_test(test_full_pipe),
	    cmocka_unit_test(test_full_socket),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
