/* SPDX-License-Identifier: MIT */
/* Listeners that the service manager keeps: what it is told, and what becomes of it in the next supervisor. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include <cmocka.h>

#include "supervisor/listener_store.h"

/* The service manager. */
static int manager;

static int setup(void **state)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	socklen_t len = sizeof a;
	char name[64];

	(void)state;
	manager = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);
	if (bind(manager, (struct sockaddr *)&a, sizeof a.sun_family) < 0 || /* the kernel finds a name */
	    getsockname(manager, (struct sockaddr *)&a, &len) < 0)
		return -1;
	snprintf(name, sizeof name, "@%.*s", (int)(len - offsetof(struct sockaddr_un, sun_path) - 1), a.sun_path + 1);
	return setenv("NOTIFY_SOCKET", name, 1);
}

static int teardown(void **state)
{
	(void)state;
	return close(manager);
}

static int listening(void)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	assert_int_equal(listen(fd, 1), 0);
	return fd;
}

/* The next thing that it was told; "": nothing. */
static const char *told(char out[512])
{
	ssize_t n = recv(manager, out, 511, 0);

	out[n > 0 ? n : 0] = '\0';
	return out;
}

static struct listeners *set_new(const char *configured, int fd)
{
	struct listeners *l = calloc(1, sizeof *l);

	assert_true(listeners_add(l, "proxy", configured, 3, fd));
	return l;
}

static void test_names(void **state)
{
	static const char *const addresses[] = {"127.0.0.1:3780",           "[::1]:80",
	                                        "unix:/run/t3ops/a b.sock", "unix:/run/a,b%3A:c",
	                                        "unix:/run/\xc3\xbc\t",     "/run/t3ops/control.sock"};
	const struct listeners none = {0};

	(void)state;
	for (size_t i = 0; i < sizeof addresses / sizeof addresses[0]; i++) {
		struct listeners *l = set_new(addresses[i], listening()), *next = calloc(1, sizeof *next);
		char said[512];
		const char *name;

		listener_store_update(l, &none);
		assert_memory_equal(told(said), "FDSTORE=1\nFDNAME=", 17);
		name = said + 17;
		assert_null(strchr(name, ':'));
		for (const char *c = name; *c != '\0'; c++)
			assert_in_range(*c, ' ' + 1, 126);
		assert_true(listener_store_take(next, name, dup(l->rows[0].listener.fd)));
		assert_string_equal(next->rows[0].configured, addresses[i]);
		assert_string_equal(next->rows[0].listener.name, "proxy");
		assert_int_equal(next->rows[0].worker, 3);
		listeners_forget(l);
		listeners_forget(next);
		free(l);
		free(next);
	}
}

/* One that stays is not sent again; one that goes, or is bound anew, is removed by its name. */
static void test_changes(void **state)
{
	int fd = listening(), other = listening();
	struct listeners *a = set_new("127.0.0.1:1", fd), *same = set_new("127.0.0.1:1", dup(fd)),
	                 *anew = set_new("127.0.0.1:1", other);
	const struct listeners none = {0};
	char said[512];

	(void)state;
	listener_store_update(same, a);
	assert_string_equal(told(said), "");
	listener_store_update(anew, a);
	assert_memory_equal(told(said), "FDSTOREREMOVE=1\n", 16);
	assert_memory_equal(told(said), "FDSTORE=1\n", 10);
	listener_store_update(&none, a);
	assert_memory_equal(told(said), "FDSTOREREMOVE=1\n", 16);
	assert_string_equal(told(said), "");
	listeners_forget(a);
	listeners_forget(same);
	listeners_forget(anew);
	free(a);
	free(same);
	free(anew);
}

static void test_what_is_none(void **state)
{
	static const char *const names[] = {"",
	                                    "proxy,8,1,17,99",
	                                    "listener",
	                                    "listener,0,proxy,",
	                                    "listener,99,proxy,x",
	                                    "listener,0,proxy,%",
	                                    "listener,0,proxy,%zz",
	                                    "listener,0,a_name_that_is_too_long,x"};
	struct listeners *l = calloc(1, sizeof *l);
	int fd = listening(), plain = socket(AF_INET, SOCK_STREAM, 0);

	(void)state;
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
		assert_false(listener_store_take(l, names[i], fd));
	assert_false(listener_store_take(l, "listener,0,proxy,127.0.0.1%3A1", plain));
	assert_int_equal(l->n, 0);
	close(fd);
	close(plain);
	free(l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_names), cmocka_unit_test(test_changes),
	                                   cmocka_unit_test(test_what_is_none)};

	return cmocka_run_group_tests(tests, setup, teardown);
}
