/* SPDX-License-Identifier: MIT */
/* Whose address a chain of proxies reports, and which host. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "net/forwarded.h"
#include "net/http_parse.h"

static const struct {
	const char *node, *address;
} nodes[] = {
    {"192.0.2.1", "192.0.2.1"},
    {"192.0.2.1:4711", "192.0.2.1"},
    {"[2001:db8::1]", "2001:db8::1"},
    {"[2001:DB8:0:0::1]:443", "2001:db8::1"},
    {"2001:db8::1", "2001:db8::1"},
    {"::ffff:192.0.2.1", "192.0.2.1"},
    {"[::ffff:192.0.2.1]:1", "192.0.2.1"},
    {"192.0.2.1:_hidden", "192.0.2.1"},
    {"[::1]:_a.b-c", "::1"},
    {"", ""},
    {"unknown", ""},
    {"_hidden", ""},
    {"_hidden:80", ""},
    {"192.0.2", ""},
    {"192.0.2.1.5", ""},
    {"192.0.2.256", ""},
    {"0192.0.2.1", ""},
    {"192.0.2.1:", ""},
    {"192.0.2.1:123456", ""},
    {"192.0.2.1:8x", ""},
    {"192.0.2.1:_", ""},
    {"192.0.2.1 ", ""},
    {"[192.0.2.1]", ""},
    {"[2001:db8::1", ""},
    {"[2001:db8::1]x", ""},
    {"[]", ""},
    {"[fe80::1%eth0]", ""},
    {"alice.example.com", ""},
};

/* 10.0.0.0/8 and fd00::/8 are trusted proxies. */
static const struct {
	const char *fields, *address;
} by_x_forwarded_for[] = {
    {"", ""},
    {"X-Forwarded-For: 192.0.2.1\r\n", "192.0.2.1"},
    {"X-Forwarded-For: 192.0.2.1, 10.0.0.1\r\n", "192.0.2.1"},
    {"X-Forwarded-For: 6.6.6.6, 192.0.2.1\r\n", "192.0.2.1"},
    {"X-Forwarded-For: 6.6.6.6, 192.0.2.1, 10.0.0.1, fd00::1\r\n", "192.0.2.1"},
    {"X-Forwarded-For: 10.6.6.6, 192.0.2.1, 10.0.0.1\r\n", "192.0.2.1"},
    {"x-forwarded-for: 6.6.6.6\r\nX-Forwarded-For: 192.0.2.1\r\nX-FORWARDED-FOR: 10.0.0.1\r\n", "192.0.2.1"},
    {"X-Forwarded-For: 10.0.0.3, 10.0.0.2\r\n", "10.0.0.3"},
    {"X-Forwarded-For: 6.6.6.6, unknown\r\n", ""},
    {"X-Forwarded-For: 6.6.6.6, unknown, 10.0.0.2\r\n", "10.0.0.2"},
    {"X-Forwarded-For: 6.6.6.6, x, 10.0.0.3, 10.0.0.2\r\n", "10.0.0.3"},
    {"X-Forwarded-For: 192.0.2.1:4711\r\n", "192.0.2.1"},
    {"X-Forwarded-For: [2001:db8::1]:4711,10.0.0.1\r\n", "2001:db8::1"},
    {"X-Forwarded-For: ,, 192.0.2.1 ,,\r\n", "192.0.2.1"},
    {"X-Forwarded-For: \"192.0.2.1\"\r\n", ""},
    {"X-Forwarded-For:\r\n", ""},
    {"Forwarded: for=192.0.2.1\r\n", ""},
};

static const struct {
	const char *fields, *address, *host;
} by_forwarded[] = {
    {"", "", NULL},
    {"Forwarded: for=192.0.2.1\r\n", "192.0.2.1", NULL},
    {"Forwarded: For=\"192.0.2.1:4711\";Host=a.example;proto=https\r\n", "192.0.2.1", "a.example"},
    {"Forwarded: for=\"[2001:db8:cafe::17]:4711\";host=\"a.example:8443\"\r\n", "2001:db8:cafe::17",
     "a.example:8443"},
    {"Forwarded: for=\"[2001:db8::1]\", for=10.0.0.1;host=b\r\n", "2001:db8::1", "b"},
    {"Forwarded: for=192.0.2.1;host=a,for=10.0.0.1;host=b\r\n", "192.0.2.1", "a"},
    {"Forwarded: for=6.6.6.6;host=evil, for=192.0.2.1;host=a, for=10.0.0.1;host=b\r\n", "192.0.2.1", "a"},
    {"Forwarded: for=6.6.6.6;host=evil\r\nForwarded: for=192.0.2.1;host=a\r\n", "192.0.2.1", "a"},
    {"Forwarded: for=6.6.6.6;host=evil, for=192.0.2.1\r\n", "192.0.2.1", NULL},
    {"Forwarded: for=6.6.6.6;host=evil, for=unknown;host=a\r\n", "", "a"},
    {"Forwarded: for=6.6.6.6;host=evil, for=_SEVKISEK;host=a, for=10.0.0.1\r\n", "10.0.0.1", "a"},
    {"Forwarded: for=\"_gazonk\"\r\n", "", NULL},
    {"Forwarded: for=\"unknown:_x\", for=10.0.0.1\r\n", "10.0.0.1", NULL},
    {"Forwarded: for=10.0.0.2;host=a, for=10.0.0.1;host=b\r\n", "10.0.0.2", "a"},
    {"Forwarded: by=203.0.113.43;for=192.0.2.1;secret=\"a,b;c\"\r\n", "192.0.2.1", NULL},
    {"Forwarded: ;;for=192.0.2.1;;, ,\r\n", "192.0.2.1", NULL},
    {"Forwarded: for=192.0.2.1 ; host=a\r\n", "192.0.2.1", "a"},
    /* not what it may be: nothing in front of it counts, and nothing that it hides */
    {"Forwarded: for=[2001:db8::1]\r\n", "", NULL},
    {"Forwarded: for=192.0.2.1:4711\r\n", "", NULL},
    {"Forwarded: for=6.6.6.6, for=\"open, for=192.0.2.1\r\n", "", NULL},
    {"Forwarded: for=\"6.6.6.6\\\", for=192.0.2.1\r\n", "", NULL},
    {"Forwarded: for=192.0.2.1;for=6.6.6.6\r\n", "", NULL},
    {"Forwarded: for=\r\n", "", NULL},
    {"Forwarded: for\r\n", "", NULL},
    {"Forwarded: =192.0.2.1\r\n", "", NULL},
    {"Forwarded: \"for\"=192.0.2.1\r\n", "", NULL},
    {"Forwarded: for =192.0.2.1\r\n", "", NULL},
    {"Forwarded: for=192.0.2.1 6.6.6.6\r\n", "", NULL},
    {"Forwarded: for=\"open\r\nForwarded: for=192.0.2.1\r\n", "192.0.2.1", NULL},
    {"Forwarded: for=\"\"\r\n", "", NULL},
    {"X-Forwarded-For: 192.0.2.1\r\n", "", NULL},
};

static const struct {
	const char *fields, *host;
} by_x_forwarded_host[] = {
    {"", NULL},
    {"X-Forwarded-Host: a.example:8443\r\n", "a.example:8443"},
    {"X-Forwarded-Host: evil.example, a.example\r\n", "a.example"},
    {"X-Forwarded-Host: evil.example\r\nx-forwarded-host: a.example ,\r\n", "a.example"},
    {"X-Forwarded-Host:\r\n", NULL},
};

#define ROWS(a) (sizeof(a) / sizeof(a)[0])

static void head_of(struct http_head *h, const char *fields)
{
	static char text[2048];
	int n = snprintf(text, sizeof text, "GET / HTTP/1.1\r\n%s\r\n", fields);

	assert_true(n > 0 && (size_t)n < sizeof text);
	assert_int_equal(http_request_parse(h, text, (size_t)n), HTTP_SYNTAX_OK);
}

static void is_host(struct span host, const char *expected)
{
	if (expected)
		assert_true(host.at && span_is(host, expected));
	else
		assert_null(host.at);
}

static void nodes_are_read(void **state)
{
	char out[FORWARDED_ADDRESS_SIZE];

	(void)state;
	for (size_t i = 0; i < ROWS(nodes); i++) {
		assert_int_equal(forwarded_node_parse(span_of(nodes[i].node), out), nodes[i].address[0] != '\0');
		assert_string_equal(out, nodes[i].address);
	}
	assert_false(forwarded_node_parse((struct span){"192.0.2.1\0:1", 12}, out));
}

static void chains_are_walked_back(void **state)
{
	struct cidr_list trusted = {0};
	char out[FORWARDED_ADDRESS_SIZE];
	struct http_head h;

	(void)state;
	assert_int_equal(cidr_list_add(&trusted, "10.0.0.0/8"), CIDR_OK);
	assert_int_equal(cidr_list_add(&trusted, "fd00::/8"), CIDR_OK);
	for (size_t i = 0; i < ROWS(by_x_forwarded_for); i++) {
		head_of(&h, by_x_forwarded_for[i].fields);
		forwarded_for_find(&h, &trusted, out);
		assert_string_equal(out, by_x_forwarded_for[i].address);
	}
	for (size_t i = 0; i < ROWS(by_forwarded); i++) {
		head_of(&h, by_forwarded[i].fields);
		forwarded_find(&h, &trusted, out);
		assert_string_equal(out, by_forwarded[i].address);
		is_host(forwarded_host_find(&h, &trusted), by_forwarded[i].host);
	}
	cidr_list_fini(&trusted);
}

static void fields_with_one_value(void **state)
{
	char out[FORWARDED_ADDRESS_SIZE];
	struct http_head h;

	(void)state;
	for (size_t i = 0; i < ROWS(by_x_forwarded_host); i++) {
		head_of(&h, by_x_forwarded_host[i].fields);
		is_host(forwarded_x_host_find(&h), by_x_forwarded_host[i].host);
	}
	head_of(&h,
	        "CF-Connecting-IP: 192.0.2.1\r\nX-Real-IP: 1.1.1.1\r\nx-real-ip: 2.2.2.2\r\nTrue-Client-IP: me\r\n");
	forwarded_single_find(&h, "cf-connecting-ip", out);
	assert_string_equal(out, "192.0.2.1");
	forwarded_single_find(&h, "x-real-ip", out);
	assert_string_equal(out, "");
	forwarded_single_find(&h, "true-client-ip", out);
	assert_string_equal(out, "");
	forwarded_single_find(&h, "x-none", out);
	assert_string_equal(out, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(nodes_are_read),
	    cmocka_unit_test(chains_are_walked_back),
	    cmocka_unit_test(fields_with_one_value),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
