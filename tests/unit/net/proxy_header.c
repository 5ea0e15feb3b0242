/* SPDX-License-Identifier: MIT */
/* Headers of the PROXY protocol: whose connection they say it is, where they end, and what is none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <netinet/in.h>

#include "net/proxy_header.h"

#define SIGNATURE "\r\n\r\n\0\r\nQUIT\n"
#define V4        "\xc0\0\2\1\xc0\0\2\2\x12\x67\1\xbb"
#define V6                                                                                                           \
	"\x20\1\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\1"                                                                     \
	"\x20\1\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\2\x12\x67\1\xbb"

/* The bytes with their length, without the NUL. */
#define BYTES(text) text, sizeof(text) - 1

static const struct {
	const char *bytes;
	size_t n;
	enum proxy_header_result result;
	size_t len;
	const char *source; /* with its port, which is 4711; NULL: none */
} cases[] = {
    {BYTES("PROXY TCP4 192.0.2.1 192.0.2.2 4711 443\r\n"), PROXY_HEADER_NAMED, 41, "192.0.2.1"},
    {BYTES("PROXY TCP4 192.0.2.1 192.0.2.2 4711 443\r\nGET / HTTP/1.1\r\n"), PROXY_HEADER_NAMED, 41, "192.0.2.1"},
    {BYTES("PROXY TCP6 2001:db8::1 2001:db8::2 4711 443\r\n"), PROXY_HEADER_NAMED, 45, "2001:db8::1"},
    {BYTES("PROXY UNKNOWN\r\n"), PROXY_HEADER_UNNAMED, 15, NULL},
    {BYTES("PROXY UNKNOWN ffff::1 what ever\r\nGET"), PROXY_HEADER_UNNAMED, 33, NULL},
    {BYTES("PROXY TCP4 192.0.2.1 192.0.2.2 4711 443\r"), PROXY_HEADER_MORE, 0, NULL},
    {BYTES("PROX"), PROXY_HEADER_MORE, 0, NULL},
    {BYTES(""), PROXY_HEADER_MORE, 0, NULL},
    {BYTES("PROXY TCP4 192.0.2.1 192.0.2.2 4711 443\n"), PROXY_HEADER_MORE, 0, NULL},
    {BYTES("PROXY TCP4 192.0.2.1 192.0.2.2 4711 443 \r\n"), PROXY_HEADER_INVALID, 0, NULL},
    {BYTES("PROXY TCP4  192.0.2.1 192.0.2.2 4711 443\r\n"), PROXY_HEADER_INVALID, 0, NULL},
    {BYTES("PROXY TCP4 192.0.2.1 192.0.2.2 4711\r\n"), PROXY_HEADER_INVALID, 0, NULL},
    {BYTES("PROXY TCP4 192.0.2.1 192.0.2.2 4711 443 1\r\n"), PROXY_HEADER_INVALID, 0, NULL},
    {BYTES("PROXY TCP4 192.0.2.1 192.0.2.2 04711 443\r\n"), PROXY_HEADER_INVALID, 0, NULL},
    {BYTES("PROXY TCP4 192.0.2.1 192.0.2.2 4711 65536\r\n"), PROXY_HEADER_INVALID, 0, NULL},
    {BYTES("PROXY TCP4 192.0.2.1 192.0.2.2 -1 443\r\n"), PROXY_HEADER_INVALID, 0, NULL},
    {BYTES("PROXY TCP4 2001:db8::1 2001:db8::2 4711 443\r\n"), PROXY_HEADER_INVALID, 0, NULL},
    {BYTES("PROXY TCP4 192.0.2.1\0 192.0.2.2 4711 443\r\n"), PROXY_HEADER_INVALID, 0, NULL},
    {BYTES("PROXY TCP6 192.0.2.1 192.0.2.2 4711 443\r\n"), PROXY_HEADER_INVALID, 0, NULL},
    {BYTES("PROXY UDP4 192.0.2.1 192.0.2.2 4711 443\r\n"), PROXY_HEADER_INVALID, 0, NULL},
    {BYTES("PROXY \r\n"), PROXY_HEADER_INVALID, 0, NULL},
    {BYTES("PROXY\r\n"), PROXY_HEADER_INVALID, 0, NULL},
    {BYTES("proxy TCP4 192.0.2.1 192.0.2.2 4711 443\r\n"), PROXY_HEADER_INVALID, 0, NULL},
    {BYTES("GET / HTTP/1.1\r\n"), PROXY_HEADER_INVALID, 0, NULL},
    {BYTES("POST / HTTP/1.1\r\n"), PROXY_HEADER_INVALID, 0, NULL},
    {BYTES("\x16\3\1"), PROXY_HEADER_INVALID, 0, NULL},
    {BYTES(SIGNATURE "\x21\x11\0\x0c" V4), PROXY_HEADER_NAMED, 28, "192.0.2.1"},
    {BYTES(SIGNATURE "\x21\x11\0\x0c" V4 "GET /"), PROXY_HEADER_NAMED, 28, "192.0.2.1"},
    {BYTES(SIGNATURE "\x21\x11\0\x13" V4 "\3\0\4\1\2\3\4"), PROXY_HEADER_NAMED, 35, "192.0.2.1"},
    {BYTES(SIGNATURE "\x21\x21\0\x24" V6), PROXY_HEADER_NAMED, 52, "2001:db8::1"},
    {BYTES(SIGNATURE "\x20\0\0\0"), PROXY_HEADER_UNNAMED, 16, NULL},
    {BYTES(SIGNATURE "\x20\x11\0\x0c" V4), PROXY_HEADER_UNNAMED, 28, NULL}, /* LOCAL: what it names does not count */
    {BYTES(SIGNATURE "\x21\0\0\0"), PROXY_HEADER_UNNAMED, 16, NULL},
    {BYTES(SIGNATURE "\x21\x31\0\2/a"), PROXY_HEADER_UNNAMED, 18, NULL},
    {BYTES(SIGNATURE), PROXY_HEADER_MORE, 0, NULL},
    {BYTES(SIGNATURE "\x21\x11\0"), PROXY_HEADER_MORE, 0, NULL},
    {BYTES(SIGNATURE "\x21\x11\0\x0c\xc0\0\2\1\xc0\0\2"), PROXY_HEADER_MORE, 0, NULL},
    {BYTES(SIGNATURE "\x11"), PROXY_HEADER_INVALID, 0, NULL},
    {BYTES(SIGNATURE "\x22\x11\0\x0c" V4), PROXY_HEADER_INVALID, 0, NULL},
    {BYTES(SIGNATURE "\x21\x12\0\x0c" V4), PROXY_HEADER_INVALID, 0, NULL}, /* datagrams */
    {BYTES(SIGNATURE "\x21\x11\0\4\xc0\0\2\1"), PROXY_HEADER_INVALID, 0, NULL},
    {BYTES(SIGNATURE "\x21\x21\0\x0c" V4), PROXY_HEADER_INVALID, 0, NULL},
    {BYTES(SIGNATURE "\x21\x11\xff\xff"), PROXY_HEADER_INVALID, 0, NULL},
};

static void source_check(const struct sockaddr_storage *source, const char *expected)
{
	const struct sockaddr_in *v4 = (const void *)source;
	const struct sockaddr_in6 *v6 = (const void *)source;
	bool is_v4 = source->ss_family == AF_INET;
	char text[INET6_ADDRSTRLEN];

	assert_non_null(
	    inet_ntop(source->ss_family, is_v4 ? (const void *)&v4->sin_addr : &v6->sin6_addr, text, sizeof text));
	assert_string_equal(text, expected);
	assert_int_equal(ntohs(is_v4 ? v4->sin_port : v6->sin6_port), 4711);
}

static void test_headers(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct proxy_header h;
		enum proxy_header_result result = proxy_header_parse(cases[i].bytes, cases[i].n, &h);

		if (result != cases[i].result)
			fail_msg("case %zu: %d", i, result);
		if (result != PROXY_HEADER_NAMED && result != PROXY_HEADER_UNNAMED)
			continue;
		assert_int_equal(h.len, cases[i].len);
		if (cases[i].source)
			source_check(&h.source, cases[i].source);
	}
}

static void test_a_line_without_end(void **state)
{
	char line[200];
	struct proxy_header h;

	(void)state;
	memset(line, 'x', sizeof line);
	memcpy(line, "PROXY UNKNOWN ", 14);
	assert_int_equal(proxy_header_parse(line, 106, &h), PROXY_HEADER_MORE);
	assert_int_equal(proxy_header_parse(line, 107, &h), PROXY_HEADER_INVALID);
	memcpy(line + 105, "\r\n", 2);
	assert_int_equal(proxy_header_parse(line, sizeof line, &h), PROXY_HEADER_UNNAMED);
	assert_int_equal(h.len, 107);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_headers),
	    cmocka_unit_test(test_a_line_without_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
