/* SPDX-License-Identifier: MIT */
/* Networks: which texts are one, and whom they hold. */
#include "net/cidr.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/un.h>

#include <cmocka.h>

static struct sockaddr_storage peer(const char *text)
{
	struct sockaddr_storage s = {0};
	struct sockaddr_in *v4 = (void *)&s;
	struct sockaddr_in6 *v6 = (void *)&s;

	if (inet_pton(AF_INET, text, &v4->sin_addr) == 1) {
		v4->sin_family = AF_INET;
	} else {
		assert_int_equal(inet_pton(AF_INET6, text, &v6->sin6_addr), 1);
		v6->sin6_family = AF_INET6;
	}
	return s;
}

static void parse(void **state)
{
	static const struct {
		const char *text;
		bool good;
	} rows[] = {
	    {"10.0.0.0/8", true},
	    {"10.0.20.0/24", true},
	    {"127.0.0.1", true},
	    {"0.0.0.0/0", true},
	    {"::1", true},
	    {"fd00::/8", true},
	    {"::/0", true},
	    {"10.0.0.1/8", false},
	    {"10.0.0.0/33", false},
	    {"fd00::1/8", false},
	    {"fd00::/129", false},
	    {"10.0.0/8", false},
	    {"", false},
	    {"/8", false},
	    {"10.0.0.0/", false},
	    {"10.0.0.0/8x", false},
	    {"10.0.0.0/-1", false},
	    {"example.org", false},
	    {"10.0.0.0/08 ", false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct cidr out;

		if ((cidr_parse(rows[i].text, &out) == CIDR_OK) != rows[i].good)
			fail_msg("\"%s\" should be %s", rows[i].text, rows[i].good ? "a network" : "refused");
	}
}

static void host_bits(void **state)
{
	static const struct {
		const char *text, *network;
	} rows[] = {
	    {"10.0.20.5/24", "10.0.20.0/24"},
	    {"10.0.20.5/25", "10.0.20.0/25"},
	    {"255.255.255.255/1", "128.0.0.0/1"},
	    {"10.0.0.1/0", "0.0.0.0/0"},
	    {"fd00::1/8", "fd00::/8"},
	    {"2001:db8::ffff/127", "2001:db8::fffe/127"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct cidr network, again;
		char text[64];

		assert_int_equal(cidr_parse(rows[i].text, &network), CIDR_HOST_BITS);
		cidr_text(&network, text, sizeof text);
		assert_string_equal(text, rows[i].network);
		assert_int_equal(cidr_parse(text, &again), CIDR_OK);
	}
}

/* A list has no ceiling. */
static void long_list(void **state)
{
	struct sockaddr_storage in = peer("10.1.0.7"), out = peer("10.2.0.7");
	struct cidr_list l = {0};
	char text[32];

	(void)state;
	for (unsigned i = 0; i < 500; i++) {
		snprintf(text, sizeof text, "10.%u.%u.0/24", i / 250, i % 250);
		assert_int_equal(cidr_list_add(&l, text), CIDR_OK);
	}
	assert_int_equal(cidr_list_add(&l, "10.0.0.1/24"), CIDR_HOST_BITS);
	assert_int_equal(l.n, 500);
	assert_true(cidr_has(&l, (struct sockaddr *)&in));
	assert_false(cidr_has(&l, (struct sockaddr *)&out));
	cidr_list_fini(&l);
}

static void membership(void **state)
{
	static const struct {
		const char *network, *peer;
		bool in;
	} rows[] = {
	    {"10.0.20.0/24", "10.0.20.255", true},
	    {"10.0.20.0/24", "10.0.21.0", false},
	    {"10.0.20.128/25", "10.0.20.127", false},
	    {"10.0.20.128/25", "10.0.20.128", true},
	    {"0.0.0.0/0", "203.0.113.1", true},
	    {"0.0.0.0/0", "2001:db8::1", false},
	    {"::1", "::1", true},
	    {"::1", "::2", false},
	    {"fd00::/8", "fdff::1", true},
	    {"fd00::/8", "fe00::1", false},
	    {"127.0.0.1", "::ffff:127.0.0.1", true},
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct sockaddr_storage s = peer(rows[i].peer);
		struct cidr_list l = {0};

		assert_int_equal(cidr_list_add(&l, rows[i].network), CIDR_OK);
		if (cidr_has(&l, (struct sockaddr *)&s) != rows[i].in)
			fail_msg("%s in %s should be %d", rows[i].peer, rows[i].network, rows[i].in);
		cidr_list_fini(&l);
	}
}

static void names(void **state)
{
	struct sockaddr_storage v4 = peer("192.0.2.1"), mapped = peer("::ffff:192.0.2.1"), v6 = peer("2001:db8::1");
	struct sockaddr_un local = {.sun_family = AF_UNIX};
	char out[48];

	(void)state;
	peer_name((struct sockaddr *)&v4, out, sizeof out);
	assert_string_equal(out, "192.0.2.1");
	peer_name((struct sockaddr *)&mapped, out, sizeof out);
	assert_string_equal(out, "192.0.2.1");
	peer_name((struct sockaddr *)&v6, out, sizeof out);
	assert_string_equal(out, "2001:db8::1");
	peer_name((struct sockaddr *)&local, out, sizeof out);
	assert_string_equal(out, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(parse), cmocka_unit_test(host_bits),
	                                   cmocka_unit_test(long_list), cmocka_unit_test(membership),
	                                   cmocka_unit_test(names)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
