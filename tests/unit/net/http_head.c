/* SPDX-License-Identifier: MIT */
/* Where a head ends, however it is cut into reads, and what its fields are. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "net/http_confirm.h"
#include "net/http_parse.h"

static void test_scan(void **state)
{
	static const struct {
		const char *text;
		size_t n; /* 0: strlen */
		enum http_scan result;
		size_t len;
	} cases[] = {
	    {"", 0, HTTP_SCAN_MORE, 0},
	    {"GET / HTTP/1.1\r\n", 0, HTTP_SCAN_MORE, 0},
	    {"GET / HTTP/1.1\r\nHost: x\r\n\r\n", 0, HTTP_SCAN_DONE, 27},
	    {"GET / HTTP/1.1\r\nHost: x\r\n\r\nbody\n", 0, HTTP_SCAN_DONE, 27},
	    {"GET / HTTP/1.1\r\nHost: x\r\n\r", 0, HTTP_SCAN_MORE, 0},
	    {"\r\n", 0, HTTP_SCAN_DONE, 2},
	    {"GET / HTTP/1.1\nHost: x\r\n\r\n", 0, HTTP_SCAN_BAD, 0},
	    {"GET / HTTP/1.1\r\nHost: x\n\r\n", 0, HTTP_SCAN_BAD, 0},
	    {"GET / HTTP/1.1\r\nA: b\rc\r\n\r\n", 0, HTTP_SCAN_BAD, 0},
	    {"GET / HTTP/1.1\r\r\n", 0, HTTP_SCAN_BAD, 0},
	    {"GET /\0 HTTP/1.1\r\n\r\n", 20, HTTP_SCAN_BAD, 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		size_t n = cases[i].n ? cases[i].n : strlen(cases[i].text), seen = 0, len = 0;

		assert_int_equal(http_head_scan(cases[i].text, n, &seen, &len), cases[i].result);
		assert_int_equal(len, cases[i].len);
		/* byte by byte it comes to the same */
		enum http_scan result = HTTP_SCAN_MORE;

		seen = len = 0;
		for (size_t k = 1; k <= n && result == HTTP_SCAN_MORE; k++)
			result = http_head_scan(cases[i].text, k, &seen, &len);
		assert_int_equal(result, cases[i].result);
		assert_int_equal(len, cases[i].len);
	}
}

static void test_request(void **state)
{
	static const char text[] = "POST /a/b?c=d HTTP/1.1\r\nHost: t3.example.com\r\nAccept:  text/html \t\r\n"
	                           "Connection: keep-alive, Upgrade\r\nX-Empty:\r\nAccept: application/json\r\n\r\n";
	struct http_head h;

	(void)state;
	assert_int_equal(http_request_parse(&h, text, sizeof text - 1), HTTP_SYNTAX_OK);
	assert_true(span_is(h.method, "POST"));
	assert_true(span_is(h.target, "/a/b?c=d"));
	assert_int_equal(h.minor, 1);
	assert_int_equal(h.n, 5);
	assert_true(span_is(h.fields[1].value, "text/html"));
	assert_true(span_is(h.fields[3].name, "X-Empty"));
	assert_int_equal(h.fields[3].value.len, 0);
	assert_ptr_equal(h.fields[3].value.at, strstr(text, "X-Empty:") + 8); /* not on the next line */
	assert_int_equal(http_field_count(&h, "ACCEPT"), 2);
	assert_ptr_equal(http_field_find(&h, "accept", 2), &h.fields[4]);
	assert_null(http_field_find(&h, "acc", 0));
	assert_true(http_list_has(&h, "connection", "upgrade"));
	assert_true(http_list_has(&h, "connection", "keep-alive"));
	assert_false(http_list_has(&h, "connection", "keep"));
	assert_false(http_list_has(&h, "host", "upgrade"));
}

static void test_syntax(void **state)
{
	static const struct {
		const char *text;
		enum http_syntax syntax;
	} cases[] = {
	    {"GET / HTTP/1.0\r\n\r\n", HTTP_SYNTAX_OK},
	    {"GET / HTTP/1.1\r\n\r\n", HTTP_SYNTAX_OK},
	    {"GET /caf\xc3\xa9 HTTP/1.1\r\n\r\n", HTTP_SYNTAX_OK}, /* llhttp 9: an error */
	    {"PROPFIND / HTTP/1.1\r\n\r\n", HTTP_SYNTAX_OK},
	    {"GET / HTTP/2.0\r\n\r\n", HTTP_SYNTAX_VERSION},
	    {"GET / HTTP/0.9\r\n\r\n", HTTP_SYNTAX_VERSION},
	    {"GET / HTTP/1.7\r\n\r\n", HTTP_SYNTAX_VERSION},
	    {"GET /\r\n\r\n", HTTP_SYNTAX_VERSION}, /* 0.9 */
	    {"GET / \r\n\r\n", HTTP_SYNTAX_BAD},
	    {"GET / http/1.1\r\n\r\n", HTTP_SYNTAX_BAD},
	    {"GET / HTTP/1.11\r\n\r\n", HTTP_SYNTAX_BAD},
	    {"GET / HTTP/1,1\r\n\r\n", HTTP_SYNTAX_BAD},
	    {"GET / HTTP/1.x\r\n\r\n", HTTP_SYNTAX_BAD},
	    {"GET / HTTP/1.1 \r\n\r\n", HTTP_SYNTAX_BAD},
	    {"GET  / HTTP/1.1\r\n\r\n", HTTP_SYNTAX_BAD},
	    {" GET / HTTP/1.1\r\n\r\n", HTTP_SYNTAX_BAD},
	    {"GET\t/ HTTP/1.1\r\n\r\n", HTTP_SYNTAX_BAD},
	    {"GET\r\n\r\n", HTTP_SYNTAX_BAD},
	    {"\r\n", HTTP_SYNTAX_BAD},
	    {"GET / x\r\n\r\n", HTTP_SYNTAX_BAD},
	    {"FROB / HTTP/1.1\r\n\r\n", HTTP_SYNTAX_METHOD},
	    {"get / HTTP/1.1\r\n\r\n", HTTP_SYNTAX_METHOD},
	    {"QUERY / HTTP/1.1\r\n\r\n", HTTP_SYNTAX_METHOD},    /* llhttp 9.2 knows it */
	    {"DESCRIBE / HTTP/1.1\r\n\r\n", HTTP_SYNTAX_METHOD}, /* RTSP */
	    {"G(T / HTTP/1.1\r\n\r\n", HTTP_SYNTAX_BAD},
	    {"GET / HTTP/1.1\r\nno colon\r\n\r\n", HTTP_SYNTAX_FIELD_NAME},
	    {"GET / HTTP/1.1\r\nA : b\r\n\r\n", HTTP_SYNTAX_FIELD_NAME},
	    {"GET / HTTP/1.1\r\n: b\r\n\r\n", HTTP_SYNTAX_FIELD_NAME},
	    {"GET / HTTP/1.1\r\nA: b\r\n c\r\n\r\n", HTTP_SYNTAX_FOLDED},
	    {"GET / HTTP/1.1\r\nA: b\x1f\r\n\r\n", HTTP_SYNTAX_FIELD_VALUE},
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct http_head h;
		enum http_syntax syntax = http_request_parse(&h, cases[i].text, strlen(cases[i].text));

		if (syntax != cases[i].syntax)
			fail_msg("%s: %d, expected %d", cases[i].text, syntax, cases[i].syntax);
	}
}

static void test_many_fields(void **state)
{
	char text[8192] = "GET / HTTP/1.1\r\n";
	size_t used = strlen(text);
	struct http_head h;

	(void)state;
	for (int i = 0; i < HTTP_FIELDS_MAX; i++)
		used += (size_t)snprintf(text + used, sizeof text - used, "A%d: b\r\n", i);
	snprintf(text + used, sizeof text - used, "\r\n");
	assert_int_equal(http_request_parse(&h, text, strlen(text)), HTTP_SYNTAX_OK);
	assert_int_equal(h.n, HTTP_FIELDS_MAX);
	snprintf(text + used, sizeof text - used, "One: more\r\n\r\n");
	assert_int_equal(http_request_parse(&h, text, strlen(text)), HTTP_SYNTAX_MANY);
}

static void test_response(void **state)
{
	static const struct {
		const char *text;
		enum http_syntax syntax;
		int status;
	} cases[] = {
	    {"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n", HTTP_SYNTAX_OK, 200},
	    {"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n", HTTP_SYNTAX_OK,
	     101},
	    {"HTTP/1.0 404 \r\n\r\n", HTTP_SYNTAX_OK, 404},
	    {"HTTP/1.1 404\r\n\r\n", HTTP_SYNTAX_OK, 404},
	    {"HTTP/1.1 204 No Content\r\n\r\n", HTTP_SYNTAX_OK, 204},
	    {"HTTP/1.1 200 caf\xc3\xa9\r\nA: \xc3\xa9 \r\nB:\t\r\n\r\n", HTTP_SYNTAX_OK, 200},
	    {"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n", HTTP_SYNTAX_OK, 200},
	    {"HTTP/3.1 200 OK\r\n\r\n", HTTP_SYNTAX_VERSION, 0},
	    {"ICY 200 OK\r\n\r\n", HTTP_SYNTAX_BAD, 0},
	    {"HTTP/1.1 20 OK\r\n\r\n", HTTP_SYNTAX_BAD, 0},
	    {"HTTP/1.1 2000 OK\r\n\r\n", HTTP_SYNTAX_BAD, 0},
	    {"HTTP/1.1 099 OK\r\n\r\n", HTTP_SYNTAX_BAD, 0},
	    {"HTTP/1.1  200 OK\r\n\r\n", HTTP_SYNTAX_BAD, 0},
	    {"HTTP/1.1 200 OK\r\nA : b\r\n\r\n", HTTP_SYNTAX_FIELD_NAME, 0}, /* llhttp 8: fine */
	    {"HTTP/1.1 200 OK\r\nA: b\r\n c\r\n\r\n", HTTP_SYNTAX_FOLDED, 0},
	    {"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", HTTP_SYNTAX_FRAMING, 0},
	    {"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n", HTTP_SYNTAX_FRAMING, 0},
	    {"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n", HTTP_SYNTAX_FRAMING, 0},
	    {"HTTP/1.1 200 OK\r\nTransfer-Encoding:\r\n\r\n", HTTP_SYNTAX_FRAMING, 0}, /* llhttp 9.4: an error */
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct http_head h;
		enum http_syntax syntax = http_response_parse(&h, cases[i].text, strlen(cases[i].text));

		if (syntax != cases[i].syntax)
			fail_msg("%s: %d, expected %d", cases[i].text, syntax, cases[i].syntax);
		if (cases[i].syntax == HTTP_SYNTAX_OK)
			assert_int_equal(h.status, cases[i].status);
	}
}

static void test_websocket(void **state)
{
	static const struct {
		const char *text;
		bool is;
	} cases[] = {
	    {"GET /ws HTTP/1.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: x\r\n\r\n", true},
	    {"GET /ws HTTP/1.1\r\nUpgrade: WebSocket\r\nConnection: keep-alive, upgrade\r\nSec-WebSocket-Key: "
	     "x\r\n\r\n",
	     true},
	    {"POST /ws HTTP/1.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: x\r\n\r\n", false},
	    {"GET /ws HTTP/1.0\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: x\r\n\r\n", false},
	    {"GET /ws HTTP/1.1\r\nUpgrade: websocket\r\nSec-WebSocket-Key: x\r\n\r\n", false},
	    {"GET /ws HTTP/1.1\r\nUpgrade: h2c\r\nConnection: Upgrade\r\nSec-WebSocket-Key: x\r\n\r\n", false},
	    {"GET /ws HTTP/1.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n", false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct http_head h;

		assert_int_equal(http_request_parse(&h, cases[i].text, strlen(cases[i].text)), HTTP_SYNTAX_OK);
		assert_int_equal(http_is_websocket(&h), cases[i].is);
	}
}

static void test_join(void **state)
{
	static const struct {
		const char *fields, *value, *order; /* order: first letters of the names that are left */
	} cases[] = {
	    {"A: x\r\nCookie: a=1\r\n", "a=1", "AC"},
	    {"A: x\r\n", NULL, "A"},
	    {"A: x\r\nCookie: a=1\r\nB: x\r\ncookie: b=2; c=3\r\nD: x\r\nCOOKIE: d=4\r\n", "a=1; b=2; c=3; d=4",
	     "ACBD"},
	    {"Cookie: a=1\r\nCookie: b=2\r\n", "a=1; b=2", "C"},
	    {"Cookie:\r\nCookie: b=2\r\nCookie:  \r\nCookie: a\r\n", "b=2; a", "C"},
	    {"Cookie:\r\nCookie:\r\n", "", "C"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		char text[200], order[8] = "", *joined;
		const struct http_field *f;
		struct http_head h;

		snprintf(text, sizeof text, "GET / HTTP/1.1\r\n%s\r\n", cases[i].fields);
		assert_int_equal(http_request_parse(&h, text, strlen(text)), HTTP_SYNTAX_OK);
		assert_true(http_fields_join(&h, "cookie", "; ", &joined));
		f = http_field_find(&h, "cookie", 0);
		if (cases[i].value)
			assert_true(f && span_is(f->value, cases[i].value));
		else
			assert_null(f);
		for (size_t k = 0; k < h.n; k++)
			order[k] = (char)(h.fields[k].name.at[0] & ~0x20);
		assert_string_equal(order, cases[i].order);
		assert_true(!joined || (joined == f->value.at && strcmp(joined, cases[i].value) == 0));
		free(joined);
	}
}

/* The second reader agrees with what passed, and only with that. */
static void test_confirm(void **state)
{
	static const char text[] =
	    "GET / HTTP/1.1\r\nHost: a\r\nEmpty:\r\nB: \t b c \t\r\nCookie: a=\"\xc3\xa9\"\r\n\r\n";
	const char *fields = strchr(text, '\n') + 1;
	struct span lines = {fields, strlen(fields)};
	struct http_head h;

	(void)state;
	assert_int_equal(http_request_parse(&h, text, strlen(text)), HTTP_SYNTAX_OK);
	assert_true(http_fields_confirm(&h, lines));
	for (size_t i = 0; i < h.n; i++) {
		struct http_head other = h;

		other.fields[i].name.len--;
		assert_false(http_fields_confirm(&other, lines));
		other = h;
		other.fields[i].value.len++;
		assert_false(http_fields_confirm(&other, lines));
		other = h;
		other.n = i;
		assert_false(http_fields_confirm(&other, lines));
	}
	lines.len -= 2;
	assert_false(http_fields_confirm(&h, lines));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_scan),        cmocka_unit_test(test_request),  cmocka_unit_test(test_syntax),
	    cmocka_unit_test(test_many_fields), cmocka_unit_test(test_response), cmocka_unit_test(test_websocket),
	    cmocka_unit_test(test_join),        cmocka_unit_test(test_confirm),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
