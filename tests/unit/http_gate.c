/* SPDX-License-Identifier: MIT */
/* The gate: every row of gate_refusal.h that a head can earn is earned here, and sound heads pass. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/http_gate.h"

#define H "Host: x\r\n"

struct gate_case {
	const char *text;
	enum gate_refusal refusal;
};

static const struct gate_case cases[] = {
    {"GET / HTTP/1.1\r\n" H "\r\n", GATE_PASSED},
    {"GET / HTTP/1.0\r\n\r\n", GATE_PASSED},
    {"OPTIONS * HTTP/1.1\r\n" H "\r\n", GATE_PASSED},
    {"GET http://x/a HTTP/1.1\r\n" H "\r\n", GATE_PASSED},
    {"GET HTTPS://X/a HTTP/1.1\r\n" H "\r\n", GATE_PASSED},
    {"GET / HTTP/1.1\r\nHost: [::1]:80\r\n\r\n", GATE_PASSED},
    {"POST / HTTP/1.1\r\n" H "Content-Length: 12\r\n\r\n", GATE_PASSED},
    {"POST / HTTP/1.1\r\n" H "Transfer-Encoding: Chunked\r\n\r\n", GATE_PASSED},
    {"GET / HTTP/1.1\r\n" H "X: caf\xc3\xa9\ttab\r\n\r\n", GATE_PASSED},
    {"GET /\xc3\xa9 HTTP/1.1\r\n" H "\r\n", GATE_PASSED}, /* what curl sends of a path in UTF-8 */
    {"POST / HTTP/1.1\r\n" H "Transfer-Encoding: \tchunked \t\r\n\r\n", GATE_PASSED},
    /* syntax */
    {"GET  / HTTP/1.1\r\n" H "\r\n", GATE_SYNTAX},
    {"GET /\r\n\r\n", GATE_VERSION},
    {"FROB / HTTP/1.1\r\n" H "\r\n", GATE_METHOD},
    {"GET / HTTP/2.0\r\n" H "\r\n", GATE_VERSION},
    {"GET / HTTP/1.1\r\n" H " folded: x\r\n\r\n", GATE_FOLDED},
    {"GET / HTTP/1.1\r\n" H "A: b\r\n\tc\r\n\r\n", GATE_FOLDED},
    {"GET / HTTP/1.1\r\n" H "Content-Length : 5\r\n\r\n", GATE_FIELD_NAME},
    {"GET / HTTP/1.1\r\n" H "no colon\r\n\r\n", GATE_FIELD_NAME},
    {"GET / HTTP/1.1\r\n" H ": empty\r\n\r\n", GATE_FIELD_NAME},
    {"GET / HTTP/1.1\r\n" H "a(b): c\r\n\r\n", GATE_FIELD_NAME},
    {"GET / HTTP/1.1\r\n" H "A: b\x01\r\n\r\n", GATE_FIELD_VALUE},
    {"GET / HTTP/1.1\r\n" H "A: b\x7f\r\n\r\n", GATE_FIELD_VALUE},
    /* target and host */
    {"GET a HTTP/1.1\r\n" H "\r\n", GATE_SYNTAX},
    {"GET * HTTP/1.1\r\n" H "\r\n", GATE_TARGET},
    {"GET /a#b HTTP/1.1\r\n" H "\r\n", GATE_TARGET},
    {"GET http://y/a HTTP/1.1\r\n" H "\r\n", GATE_TARGET},
    {"GET http://x HTTP/1.1\r\n" H "\r\n", GATE_TARGET},
    {"GET http://u@x/ HTTP/1.1\r\n" H "\r\n", GATE_TARGET},
    {"GET / HTTP/1.1\r\n\r\n", GATE_HOST},
    {"GET / HTTP/1.1\r\n" H H "\r\n", GATE_HOST},
    {"GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", GATE_HOST},
    {"GET / HTTP/1.1\r\nHost:\r\n\r\n", GATE_HOST},
    {"GET / HTTP/1.1\r\nHost: a b\r\n\r\n", GATE_HOST},
    {"CONNECT x:80 HTTP/1.1\r\n" H "\r\n", GATE_CONNECT},
    {"TRACE / HTTP/1.1\r\n" H "\r\n", GATE_CONNECT},
    /* framing: what smuggling is made of */
    {"POST / HTTP/1.1\r\n" H "Content-Length: 5\r\nContent-Length: 5\r\n\r\n", GATE_LENGTH},
    {"POST / HTTP/1.1\r\n" H "Content-Length: 5, 5\r\n\r\n", GATE_LENGTH},
    {"POST / HTTP/1.1\r\n" H "Content-Length: +5\r\n\r\n", GATE_LENGTH},
    {"POST / HTTP/1.1\r\n" H "Content-Length: -1\r\n\r\n", GATE_LENGTH},
    {"POST / HTTP/1.1\r\n" H "Content-Length: 0x5\r\n\r\n", GATE_LENGTH},
    {"POST / HTTP/1.1\r\n" H "Content-Length: 9999999999999999999\r\n\r\n", GATE_LENGTH},
    {"POST / HTTP/1.1\r\n" H "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n", GATE_LENGTH_AND_CODING},
    {"POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n", GATE_LENGTH_AND_CODING},
    {"POST / HTTP/1.1\r\n" H "Transfer-Encoding: gzip, chunked\r\n\r\n", GATE_CODING},
    {"POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked, chunked\r\n\r\n", GATE_LENGTH}, /* llhttp stops at it */
    {"POST / HTTP/1.1\r\n" H "Transfer-Encoding: xchunked\r\n\r\n", GATE_CODING},
    {"POST / HTTP/1.1\r\n" H "Transfer-Encoding: \"chunked\"\r\n\r\n", GATE_CODING},
    {"POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked;q=1\r\n\r\n", GATE_CODING},
    {"POST / HTTP/1.1\r\n" H "Transfer-Encoding:\r\n\r\n", GATE_CODING},
    {"POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n", GATE_LENGTH},
    {"POST / HTTP/1.0\r\n" H "Transfer-Encoding: chunked\r\n\r\n", GATE_CODING_VERSION},
};

static enum gate_refusal judge(const char *text, size_t max_fields)
{
	struct http_head h;
	enum http_syntax syntax = http_request_parse(&h, text, strlen(text));

	return http_gate(&h, syntax, (struct span){text, strlen(text)}, max_fields);
}

static void test_cases(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		enum gate_refusal r = judge(cases[i].text, 128);

		if (r != cases[i].refusal)
			fail_msg("%s: %s, expected %s", cases[i].text, gate_label(r), gate_label(cases[i].refusal));
	}
}

static void test_field_count(void **state)
{
	static const char text[] = "GET / HTTP/1.1\r\n" H "A: b\r\nC: d\r\n\r\n";

	(void)state;
	assert_int_equal(judge(text, 3), GATE_PASSED);
	assert_int_equal(judge(text, 2), GATE_FIELD_COUNT);
}

static void test_rows(void **state)
{
	(void)state;
	for (unsigned r = GATE_PASSED + 1; r < GATE_REFUSALS; r++) {
		assert_in_range(gate_status((enum gate_refusal)r), 400, 505);
		assert_true(*gate_label((enum gate_refusal)r) && *gate_sentence((enum gate_refusal)r));
		for (unsigned k = 0; k < r; k++)
			assert_string_not_equal(gate_label((enum gate_refusal)k), gate_label((enum gate_refusal)r));
	}
}

static void test_request_framing(void **state)
{
	static const struct {
		const char *text;
		enum http_framing framing;
		uint64_t length;
	} framings[] = {
	    {"GET / HTTP/1.1\r\n" H "\r\n", HTTP_BODY_NONE, 0},
	    {"POST / HTTP/1.1\r\n" H "Content-Length: 0\r\n\r\n", HTTP_BODY_NONE, 0},
	    {"POST / HTTP/1.1\r\n" H "Content-Length: 77\r\n\r\n", HTTP_BODY_LENGTH, 77},
	    {"POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n", HTTP_BODY_CHUNKED, 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof framings / sizeof framings[0]; i++) {
		struct http_head h;
		uint64_t length = 99;

		assert_int_equal(http_request_parse(&h, framings[i].text, strlen(framings[i].text)), HTTP_SYNTAX_OK);
		assert_int_equal(http_request_framing(&h, &length), framings[i].framing);
		assert_int_equal(length, framings[i].length);
	}
}

static void test_response_framing(void **state)
{
	static const struct {
		const char *text, *method;
		enum http_framing framing;
		uint64_t length;
	} framings[] = {
	    {"HTTP/1.1 200 OK\r\n\r\n", "GET", HTTP_BODY_UNTIL_CLOSE, 0},
	    {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", "GET", HTTP_BODY_LENGTH, 5},
	    {"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", "GET", HTTP_BODY_NONE, 0},
	    {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", "HEAD", HTTP_BODY_NONE, 0},
	    {"HTTP/1.1 204 No\r\n\r\n", "GET", HTTP_BODY_NONE, 0},
	    {"HTTP/1.1 304 No\r\nContent-Length: 5\r\n\r\n", "GET", HTTP_BODY_NONE, 5},
	    {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "GET", HTTP_BODY_CHUNKED, 0},
	    {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "HEAD", HTTP_BODY_NONE, 0},
	    {"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n", "GET", HTTP_BODY_BAD, 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof framings / sizeof framings[0]; i++) {
		struct http_head h;
		uint64_t length = 99;
		struct span method = {framings[i].method, strlen(framings[i].method)};

		assert_int_equal(http_response_parse(&h, framings[i].text, strlen(framings[i].text)), HTTP_SYNTAX_OK);
		assert_int_equal(http_response_framing(&h, method, &length), framings[i].framing);
		if (framings[i].framing == HTTP_BODY_LENGTH)
			assert_int_equal(length, framings[i].length);
	}
}

static void test_length(void **state)
{
	static const struct {
		const char *text;
		bool good;
		uint64_t value;
	} lengths[] = {{"0", true, 0},   {"007", true, 7}, {"999999999999999999", true, 999999999999999999},
	               {"", false, 0},   {" 1", false, 0}, {"1 ", false, 0},
	               {"1a", false, 0}, {"-1", false, 0}, {"1000000000000000000", false, 0}};

	(void)state;
	for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
		uint64_t value = 0;

		assert_int_equal(http_length_parse((struct span){lengths[i].text, strlen(lengths[i].text)}, &value),
		                 lengths[i].good);
		assert_true(value == lengths[i].value);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_cases),
	    cmocka_unit_test(test_field_count),
	    cmocka_unit_test(test_rows),
	    cmocka_unit_test(test_request_framing),
	    cmocka_unit_test(test_response_framing),
	    cmocka_unit_test(test_length),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
