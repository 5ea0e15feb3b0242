/* SPDX-License-Identifier: MIT */
/* Reports of browsers: what is taken of them, and what is left out. */
#include "net/nel_report.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* As Chromium 156 sends it. */
#define REPORT(type, url, more)                                                                                      \
	"{\"age\":125,\"body\":{\"elapsed_time\":1023,\"method\":\"GET\",\"phase\":\"connection\","                  \
	"\"protocol\":\"http/1.1\",\"referrer\":\"https://t3.example.com/\",\"sampling_fraction\":1.0,"              \
	"\"server_ip\":\"192.0.2.1\",\"status_code\":0,\"type\":\"" type "\"},\"type\":\"network-error\","           \
	"\"url\":\"" url "\",\"user_agent\":\"Mozilla/5.0\"" more "}"
#define GOOD REPORT("tcp.reset", "https://t3.example.com/chat?secret=1", "")

static int read_text(const char *text, struct nel_report out[NEL_REPORTS_MAX], size_t *left_out)
{
	return nel_reports_read(text, strlen(text), out, left_out);
}

static void test_one(void **state)
{
	struct nel_report r[NEL_REPORTS_MAX];
	size_t left_out;

	(void)state;
	assert_int_equal(read_text("[" GOOD "]", r, &left_out), 1);
	assert_int_equal(left_out, 0);
	assert_string_equal(r[0].type, "tcp.reset");
	assert_string_equal(r[0].phase, "connection");
	assert_string_equal(r[0].method, "GET");
	assert_string_equal(r[0].path, "/chat"); /* without its query */
	assert_int_equal(r[0].age_us, 125000);
	assert_int_equal(r[0].elapsed_us, 1023000);
	assert_int_equal(r[0].status, 0);
}

static void test_left_out(void **state)
{
	static const char *const rows[] = {
	    "null",
	    "7",
	    "[]",
	    "{}",
	    "{\"type\":\"network-error\",\"body\":7}",
	    "{\"type\":\"csp-violation\",\"body\":{},\"age\":1,\"url\":\"https://a/\"}",
	    REPORT("ok", "https://t3.example.com/", ""),
	    REPORT("", "https://t3.example.com/", ""),
	    REPORT("TCP.RESET", "https://t3.example.com/", ""),
	    REPORT("tcp.reset\\u001b[31m", "https://t3.example.com/", ""),
	    REPORT("tcp.reset user=bob", "https://t3.example.com/", ""),
	    REPORT("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "https://t3.example.com/", ""),
	    REPORT("tcp.reset", "https://t3.example.com", ""),
	    REPORT("tcp.reset", "/chat", ""),
	    REPORT("tcp.reset", "https://t3.example.com/a\\nb", ""),
	    REPORT("tcp.reset", "https://t3.example.com/a b", ""),
	    REPORT("tcp.reset", "https://t3.example.com/\\u00e4", ""),
	    REPORT("tcp.reset", "https://t3.example.com/probe/nel/0123", ""),
	    REPORT("tcp.reset", "https://t3.example.com/", ",\"age\":-1"),
	    REPORT("tcp.reset", "https://t3.example.com/", ",\"age\":3600001"),
	    REPORT("tcp.reset", "https://t3.example.com/", ",\"age\":1e300"),
	    REPORT("tcp.reset", "https://t3.example.com/", ",\"age\":\"5\""),
	    REPORT("tcp.reset", "https://t3.example.com/", ",\"body\":{\"type\":\"tcp.reset\"}"),
	};
	struct nel_report r[NEL_REPORTS_MAX];
	char text[1024];
	size_t left_out;

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		snprintf(text, sizeof text, "[%s,%s]", rows[i], GOOD);
		assert_int_equal(read_text(text, r, &left_out), 1);
		assert_int_equal(left_out, 1);
		assert_string_equal(r[0].path, "/chat");
	}
}

static void test_malformed(void **state)
{
	static const char *const rows[] = {"", "x", "{}", "7", "[", "[" GOOD, GOOD, "[" GOOD "] ]", "\"[]\""};
	struct nel_report r[NEL_REPORTS_MAX];
	size_t left_out;

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		assert_int_equal(read_text(rows[i], r, &left_out), -EPROTO);
	assert_int_equal(read_text("[]", r, &left_out), 0);
	assert_int_equal(left_out, 0);
}

static void test_too_many(void **state)
{
	struct nel_report r[NEL_REPORTS_MAX];
	char text[NEL_BODY_MAX + 1] = "[" GOOD;
	size_t left_out;

	(void)state;
	for (int i = 0; i < 19; i++)
		strcat(text, "," GOOD);
	strcat(text, "]");
	assert_int_equal(read_text(text, r, &left_out), NEL_REPORTS_MAX);
	assert_int_equal(left_out, 20 - NEL_REPORTS_MAX);
}

static void test_too_long(void **state)
{
	struct nel_report r[NEL_REPORTS_MAX];
	char *text = malloc(NEL_BODY_MAX + 3);
	size_t left_out;

	(void)state;
	memset(text, ' ', NEL_BODY_MAX + 2);
	text[0] = '[';
	text[NEL_BODY_MAX + 1] = ']';
	assert_int_equal(nel_reports_read(text, NEL_BODY_MAX + 2, r, &left_out), -EPROTO);
	free(text);
}

static void test_long_path(void **state)
{
	struct nel_report r[NEL_REPORTS_MAX];
	char text[2048], path[400];
	size_t left_out;

	(void)state;
	memset(path, 'a', sizeof path - 1);
	path[sizeof path - 1] = '\0';
	snprintf(text, sizeof text, "[" REPORT("tcp.reset", "https://t3.example.com/%s", "") "]", path);
	assert_int_equal(read_text(text, r, &left_out), 1);
	assert_int_equal(strlen(r[0].path), sizeof r[0].path - 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_one),      cmocka_unit_test(test_left_out), cmocka_unit_test(test_malformed),
	    cmocka_unit_test(test_too_many), cmocka_unit_test(test_too_long), cmocka_unit_test(test_long_path),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
