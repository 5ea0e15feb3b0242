/* SPDX-License-Identifier: MIT */
/* Entries of the journal, and the way there. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "obs/log_journal.h"

static size_t format(char *out, size_t size, const struct kv *pairs, size_t n)
{
	return log_journal_format(out, size, 4, "a line", strlen("a line"), pairs, n);
}

static void test_fields(void **state)
{
	static const char expected[] = "SYSLOG_IDENTIFIER=t3ops\nPRIORITY=4\nMESSAGE=a line\nT3OPS_EVENT=leg_down\n"
	                               "T3OPS_USER=al ice=\"x\"\nT3OPS_DURATION_MS=1.500\nT3OPS_PID=7\n";
	const struct kv pairs[] = {kv_event("leg_down"), kv_user("al ice=\"x\""), kv_none(),
	                           kv_detail(""),        kv_duration_ms(1500),    kv_pid(7)};
	char out[1000];
	size_t len = format(out, sizeof out, pairs, sizeof pairs / sizeof pairs[0]);

	(void)state;
	assert_int_equal(len, strlen(expected));
	assert_memory_equal(out, expected, len);
}

/* A value that would begin another field goes by its length. */
static void test_newline(void **state)
{
	static const char expected[] = "T3OPS_ERROR\n\x0c\0\0\0\0\0\0\0one\nPRIORITY\n";
	const struct kv pairs[] = {kv_error("one\nPRIORITY")};
	char out[1000];
	size_t len = format(out, sizeof out, pairs, 1);

	(void)state;
	assert_true(len > sizeof expected - 1);
	assert_memory_equal(out + len - (sizeof expected - 1), expected, sizeof expected - 1);
}

/* Nothing is written beyond the size, and what does not fit is left out whole. */
static void test_sizes(void **state)
{
	const struct kv pairs[] = {kv_error("0123456789"), kv_user("a")};
	char out[300];
	size_t whole = format(out, sizeof out, pairs, 2);

	(void)state;
	for (size_t size = 1; size < sizeof out; size++) {
		size_t len;

		memset(out, '#', sizeof out);
		len = format(out, size, pairs, 2);
		assert_true(len <= size && len <= whole);
		assert_true(len == 0 || out[len - 1] == '\n');
		for (size_t i = size; i < sizeof out; i++)
			assert_int_equal(out[i], '#');
	}
}

static int listener(char *path, size_t size)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_DGRAM, 0);

	assert_true(fd >= 0);
	snprintf(path, size, "/tmp/t3log.%d", (int)getpid());
	strcpy(a.sun_path, path);
	unlink(path);
	assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof a), 0);
	return fd;
}

/* Until its queue is full it takes them; then nobody waits; and once it is gone that way is closed. */
static void test_send(void **state)
{
	char path[64], got[64];
	int reader = listener(path, sizeof path), fd = log_journal_open(path), r = 0;

	(void)state;
	assert_true(fd >= 0);
	for (int i = 0; i < 100000 && r == 0; i++)
		r = log_journal_send(fd, "MESSAGE=x\n", 10);
	assert_int_equal(r, -EAGAIN);
	assert_int_equal(recv(reader, got, sizeof got, 0), 10);
	assert_memory_equal(got, "MESSAGE=x\n", 10);
	close(reader);
	unlink(path);
	r = log_journal_send(fd, "MESSAGE=x\n", 10);
	assert_true(r < 0 && r != -EAGAIN);
	close(fd);
	assert_int_equal(log_journal_open(path), -ENOENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_fields),
	    cmocka_unit_test(test_newline),
	    cmocka_unit_test(test_sizes),
	    cmocka_unit_test(test_send),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
