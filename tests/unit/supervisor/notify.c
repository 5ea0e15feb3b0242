/* SPDX-License-Identifier: MIT */
/* What the service manager receives, at a path and at an abstract name, and what is refused. */
#include <setjmp.h>
#include <stdbool.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "supervisor/notify.h"

/* A manager's socket; abstract: the name has no file.  text becomes what $NOTIFY_SOCKET has to be. */
static int manager_listen(bool abstract, char text[108])
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0), len;

	assert_true(fd >= 0);
	len = snprintf(text, 108, "%st3ops-notify-%d", abstract ? "@" : "/tmp/", (int)getpid());
	memcpy(a.sun_path, text, (size_t)len);
	if (abstract)
		a.sun_path[0] = '\0';
	assert_int_equal(bind(fd, (struct sockaddr *)&a,
	                      (socklen_t)(offsetof(struct sockaddr_un, sun_path) + (size_t)len + !abstract)),
	                 0);
	return fd;
}

static void test_delivered(void **state)
{
	(void)state;
	for (int abstract = 0; abstract < 2; abstract++) {
		char name[108], text[64] = "";
		int fd = manager_listen(abstract, name);

		setenv("NOTIFY_SOCKET", name, 1);
		assert_int_equal(notify_send("READY=1\nSTATUS=x"), 0);
		assert_int_equal(recv(fd, text, sizeof text - 1, MSG_DONTWAIT), 16);
		assert_string_equal(text, "READY=1\nSTATUS=x");
		close(fd);
		if (!abstract)
			unlink(name);
		assert_int_equal(notify_send("READY=1"), abstract ? -ECONNREFUSED : -ENOENT);
	}
}

static void test_names(void **state)
{
	char longest[200];

	(void)state;
	memset(longest, 'a', sizeof longest - 1);
	longest[0] = '/';
	longest[sizeof longest - 1] = '\0';
	const struct {
		const char *name;
		int result;
	} cases[] = {
	    {"", 0}, {"relative", -EAFNOSUPPORT}, {"vsock:2:1", -EAFNOSUPPORT}, {"@", -EINVAL}, {longest, -EINVAL}};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		setenv("NOTIFY_SOCKET", cases[i].name, 1);
		assert_int_equal(notify_send("READY=1"), cases[i].result);
	}
	unsetenv("NOTIFY_SOCKET");
	assert_int_equal(notify_send("READY=1"), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_delivered),
	    cmocka_unit_test(test_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
