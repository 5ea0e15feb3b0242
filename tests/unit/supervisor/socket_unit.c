/* SPDX-License-Identifier: MIT */
/* Which descriptors are a socket unit's, and which option means which of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "supervisor/socket_address.h"
#include "supervisor/socket_unit.h"

static int bound(const char *address, bool listens)
{
	union socket_address a;
	socklen_t len = sizeof a.local;
	int fd;

	if (strncmp(address, "unix:", 5) == 0) {
		memset(&a, 0, sizeof a);
		a.local.sun_family = AF_UNIX;
		strcpy(a.local.sun_path, address + 5);
		unlink(address + 5);
	} else {
		assert_true(socket_address_parse(address, &a, &len));
	}
	fd = socket(a.any.sa_family, SOCK_STREAM, 0);
	assert_int_equal(bind(fd, &a.any, len), 0);
	if (listens)
		assert_int_equal(listen(fd, 1), 0);
	return fd;
}

static void test_taken(void **state)
{
	struct socket_unit u = {0};
	int pair[2], good = bound("127.0.0.1:0", true), bad[4];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	bad[0] = bound("127.0.0.1:0", false);
	bad[1] = pair[0];
	bad[2] = socket(AF_INET, SOCK_DGRAM, 0);
	bad[3] = open("/dev/null", O_RDONLY);
	for (size_t i = 0; i < 4; i++) {
		assert_false(socket_unit_take(&u, "t3ops.socket", bad[i]));
		close(bad[i]);
	}
	close(pair[1]);
	assert_false(socket_unit_take(&u, "listener,0,proxy,127.0.0.1%3A1", good));
	assert_true(socket_unit_take(&u, "t3ops.socket", good));
	assert_true(fcntl(good, F_GETFL) & O_NONBLOCK);
	while (u.n < SOCKET_UNIT_MAX)
		assert_true(socket_unit_take(&u, "t3ops.socket", bound("127.0.0.1:0", true)));
	assert_false(socket_unit_take(&u, "t3ops.socket", good));
	for (size_t i = 0; i < u.n; i++)
		close(u.fds[i]);
}

static void test_found(void **state)
{
	char path[64], names[3][128];
	struct socket_unit u = {0};
	int copy;

	(void)state;
	snprintf(path, sizeof path, "unix:/tmp/t3ops-unit-%d", (int)getpid());
	assert_true(socket_unit_take(&u, "t3ops.socket", bound("127.0.0.1:0", true)));
	assert_true(socket_unit_take(&u, "web", bound("0.0.0.0:0", true)));
	assert_true(socket_unit_take(&u, "web", bound(path, true)));
	for (size_t i = 0; i < u.n; i++) {
		socket_address_name(u.fds[i], names[i], sizeof names[i]);
		assert_int_equal(socket_unit_find(&u, names[i]), u.fds[i]);
	}
	assert_string_equal(names[2], path);
	assert_memory_equal(names[0], "127.0.0.1:", 10);
	assert_memory_equal(names[1], "0.0.0.0:", 8);
	assert_int_equal(socket_unit_find(&u, "127.0.0.1:0"), -1);
	assert_int_equal(socket_unit_find(&u, "unix:/tmp/t3ops-unit"), -1);
	assert_int_equal(socket_unit_find(&u, path + 5), -1); /* the control socket is t3ops' own */
	assert_int_equal(socket_unit_find(&u, "[::]:80"), -1);
	copy = dup(u.fds[1]);
	assert_true(socket_unit_has(&u, copy));
	close(copy);
	copy = bound("127.0.0.1:0", true);
	assert_false(socket_unit_has(&u, copy));
	close(copy);
	unlink(path + 5);
	for (size_t i = 0; i < u.n; i++)
		close(u.fds[i]);
}

/* An option may write an address in another way than the kernel does. */
static void test_other_spelling(void **state)
{
	struct socket_unit u = {0};
	char name[128], other[160];
	int fd = socket(AF_INET6, SOCK_STREAM, 0);

	(void)state;
	if (fd < 0)
		skip();
	assert_int_equal(listen(fd, 1), 0);
	assert_true(socket_unit_take(&u, "t3ops.socket", fd));
	socket_address_name(fd, name, sizeof name);
	snprintf(other, sizeof other, "[0:0::0%s", strchr(name, ']'));
	assert_int_equal(socket_unit_find(&u, other), fd);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_taken),
	    cmocka_unit_test(test_found),
	    cmocka_unit_test(test_other_spelling),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
