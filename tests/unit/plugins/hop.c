/* SPDX-License-Identifier: MIT */
/* Addresses of hops, and sockets to them. */
#include "common/hop.h"

#include <errno.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

#include <cmocka.h>

static void test_addresses(void **state)
{
	static const struct {
		const char *text;
		int family; /* 0: it is none */
		unsigned port;
		bool has_port;
	} rows[] = {
	    {"192.0.2.1", AF_INET, 0, false},
	    {"192.0.2.1:53", AF_INET, 53, true},
	    {"[192.0.2.1]:53", AF_INET, 53, true},
	    {"2001:db8::1", AF_INET6, 0, false},
	    {"[2001:db8::1]", AF_INET6, 0, false},
	    {"[2001:db8::1]:443", AF_INET6, 443, true},
	    {"", 0, 0, false},
	    {"router", 0, 0, false},
	    {"[2001:db8::1", 0, 0, false},
	    {"[2001:db8::1]443", 0, 0, false},
	    {"192.0.2.1:http", 0, 0, false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct hop hop;
		const struct sockaddr_in *in = (const struct sockaddr_in *)(const void *)&hop.address;

		if (hop_parse(rows[i].text, &hop) != (rows[i].family != 0))
			fail_msg("%s", rows[i].text);
		if (rows[i].family == 0)
			continue;
		assert_int_equal(hop.address.ss_family, rows[i].family);
		assert_int_equal(hop.has_port, rows[i].has_port);
		assert_int_equal(ntohs(in->sin_port), rows[i].port); /* at the same place in both families */
	}
}

static void test_sockets(void **state)
{
	struct hop hop;
	int fd;

	(void)state;
	assert_true(hop_parse("127.0.0.1:9", &hop));
	fd = hop_socket(&hop, SOCK_STREAM, 0, "");
	assert_true(fd >= 0);
	close(fd);
	fd = hop_socket(&hop, SOCK_STREAM, 0, "127.0.0.1");
	assert_true(fd >= 0);
	close(fd);
	assert_int_equal(hop_socket(&hop, SOCK_STREAM, 0, "192.0.2.1"), -EADDRNOTAVAIL);
	assert_true(hop_socket(&hop, SOCK_STREAM, 0, "no-such-device") < 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_addresses), cmocka_unit_test(test_sockets)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
