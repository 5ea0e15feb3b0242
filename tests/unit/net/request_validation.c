/* SPDX-License-Identifier: MIT */
/* Request validation: every row of reject_reason.h that a head can earn is earned here, and sound heads pass. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "net/request_validation.h"

#define H "Host: x\r\n"

struct validation_case {
	const char *text;
	enum reject_reason refusal;
};

static const struct validation_case cases[] = {
    {"GET / HTTP/1.1\r\n" H "\r\n", REJECT_NONE},
    {"GET / HTTP/1.0\r\n\r\n", REJECT_NONE},
    {"OPTIONS * HTTP/1.1\r\n" H "\r\n", REJECT_NONE},
    {"GET http://x/a HTTP/1.1\r\n" H "\r\n", REJECT_NONE},
    {"GET HTTPS://X/a HTTP/1.1\r\n" H "\r\n", REJECT_NONE},
    {"GET / HTTP/1.1\r\nHost: [::1]:80\r\n\r\n", REJECT_NONE},
    {"POST / HTTP/1.1\r\n" H "Content-Length: 12\r\n\r\n", REJECT_NONE},
    {"POST / HTTP/1.1\r\n" H "Transfer-Encoding: Chunked\r\n\r\n", REJECT_NONE},
    {"GET / HTTP/1.1\r\n" H "X: caf\xc3\xa9\ttab\r\n\r\n", REJECT_NONE},
    {"GET /\xc3\xa9 HTTP/1.1\r\n" H "\r\n", REJECT_NONE}, /* what curl sends of a path in UTF-8 */
    {"POST / HTTP/1.1\r\n" H "Transfer-Encoding: \tchunked \t\r\n\r\n", REJECT_NONE},
    /* syntax */
    {"GET  / HTTP/1.1\r\n" H "\r\n", REJECT_SYNTAX},
    {"GET /\r\n\r\n", REJECT_VERSION},
    {"QUERY / HTTP/1.1\r\n" H "\r\n", REJECT_METHOD}, /* llhttp 9.2 knows it */
    {"FROB / HTTP/1.1\r\n" H "\r\n", REJECT_METHOD},
    {"PRI * HTTP/2.0\r\n\r\n", REJECT_VERSION},
    {"GET / HTTP/2.0\r\n" H "\r\n", REJECT_VERSION},
    {"GET / HTTP/1.1\r\n" H " folded: x\r\n\r\n", REJECT_FOLDED},
    {"GET / HTTP/1.1\r\n" H "A: b\r\n\tc\r\n\r\n", REJECT_FOLDED},
    {"GET / HTTP/1.1\r\n" H "Content-Length : 5\r\n\r\n", REJECT_FIELD_NAME},
    {"GET / HTTP/1.1\r\n" H "no colon\r\n\r\n", REJECT_FIELD_NAME},
    {"GET / HTTP/1.1\r\n" H ": empty\r\n\r\n", REJECT_FIELD_NAME},
    {"GET / HTTP/1.1\r\n" H "a(b): c\r\n\r\n", REJECT_FIELD_NAME},
    {"GET / HTTP/1.1\r\n" H "A: b\x01\r\n\r\n", REJECT_FIELD_VALUE},
    {"GET / HTTP/1.1\r\n" H "A: b\x7f\r\n\r\n", REJECT_FIELD_VALUE},
    /* target and host */
    {"GET a HTTP/1.1\r\n" H "\r\n", REJECT_TARGET},
    {"GET * HTTP/1.1\r\n" H "\r\n", REJECT_TARGET},
    {"GET /a#b HTTP/1.1\r\n" H "\r\n", REJECT_TARGET},
    {"GET http://y/a HTTP/1.1\r\n" H "\r\n", REJECT_TARGET},
    {"GET http://x HTTP/1.1\r\n" H "\r\n", REJECT_TARGET},
    {"GET http://u@x/ HTTP/1.1\r\n" H "\r\n", REJECT_TARGET},
    {"GET / HTTP/1.1\r\n\r\n", REJECT_HOST},
    {"GET / HTTP/1.1\r\n" H H "\r\n", REJECT_HOST},
    {"GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", REJECT_HOST},
    {"GET / HTTP/1.1\r\nHost:\r\n\r\n", REJECT_HOST},
    {"GET / HTTP/1.1\r\nHost: a b\r\n\r\n", REJECT_HOST},
    {"CONNECT x:80 HTTP/1.1\r\n" H "\r\n", REJECT_CONNECT},
    {"TRACE / HTTP/1.1\r\n" H "\r\n", REJECT_CONNECT},
    /* framing: what smuggling is made of */
    {"POST / HTTP/1.1\r\n" H "Content-Length: 5\r\nContent-Length: 5\r\n\r\n", REJECT_LENGTH},
    {"POST / HTTP/1.1\r\n" H "Content-Length: 5, 5\r\n\r\n", REJECT_LENGTH},
    {"POST / HTTP/1.1\r\n" H "Content-Length: 5\t\r\n\r\n", REJECT_LENGTH},
    {"POST / HTTP/1.1\r\n" H "Content-Length:\t5\r\n\r\n", REJECT_LENGTH},
    {"POST / HTTP/1.1\r\n" H "Content-Length:   5  \r\n\r\n", REJECT_NONE},
    {"POST / HTTP/1.1\r\n" H "Content-Length: +5\r\n\r\n", REJECT_LENGTH},
    {"POST / HTTP/1.1\r\n" H "Content-Length: -1\r\n\r\n", REJECT_LENGTH},
    {"POST / HTTP/1.1\r\n" H "Content-Length: 0x5\r\n\r\n", REJECT_LENGTH},
    {"POST / HTTP/1.1\r\n" H "Content-Length: 9999999999999999999\r\n\r\n", REJECT_LENGTH},
    {"POST / HTTP/1.1\r\n" H "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n", REJECT_LENGTH_AND_CODING},
    {"POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n", REJECT_LENGTH_AND_CODING},
    {"POST / HTTP/1.1\r\n" H "Transfer-Encoding: gzip, chunked\r\n\r\n", REJECT_CODING},
    {"POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked, chunked\r\n\r\n", REJECT_CODING},
    {"POST / HTTP/1.1\r\n" H "Transfer-Encoding: xchunked\r\n\r\n", REJECT_CODING},
    {"POST / HTTP/1.1\r\n" H "Transfer-Encoding: \"chunked\"\r\n\r\n", REJECT_CODING},
    {"POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked;q=1\r\n\r\n", REJECT_CODING},
    {"POST / HTTP/1.1\r\n" H "Transfer-Encoding:\r\n\r\n", REJECT_CODING},
    {"POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n", REJECT_CODING},
    {"POST / HTTP/1.0\r\n" H "Transfer-Encoding: chunked\r\n\r\n", REJECT_CODING_VERSION},
};

static enum reject_reason check(const char *text, size_t max_fields)
{
	struct http_head h;
	enum http_syntax syntax = http_request_parse(&h, text, strlen(text));

	return request_validate(&h, syntax, (struct span){text, strlen(text)}, max_fields);
}

static void test_cases(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		enum reject_reason r = check(cases[i].text, 128);

		if (r != cases[i].refusal)
			fail_msg("%s: %s, expected %s", cases[i].text, reject_label(r),
			         reject_label(cases[i].refusal));
	}
}

static void test_field_count(void **state)
{
	static const char text[] = "GET / HTTP/1.1\r\n" H "A: b\r\nC: d\r\n\r\n";

	(void)state;
	assert_int_equal(check(text, 3), REJECT_NONE);
	assert_int_equal(check(text, 2), REJECT_FIELD_COUNT);
}

/* It is the body of a response: people read it. */
static void sentence_check(const char *text)
{
	size_t len = strlen(text);

	if (len < 10 || text[0] < 'A' || text[0] > 'Z' || text[len - 1] != '.')
		fail_msg("no sentence: %s", text);
}

static void test_rows(void **state)
{
	(void)state;
	for (unsigned r = REJECT_NONE + 1; r < REJECT_REASONS; r++) {
		assert_true(reject_status((enum reject_reason)r) >= 400 &&
		            reject_status((enum reject_reason)r) <= 505);
		assert_true(*reject_label((enum reject_reason)r));
		sentence_check(reject_sentence((enum reject_reason)r));
		for (unsigned k = 0; k < r; k++)
			assert_string_not_equal(reject_label((enum reject_reason)k),
			                        reject_label((enum reject_reason)r));
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
	    {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked, gzip\r\n\r\n", "GET", HTTP_BODY_BAD, 0},
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
