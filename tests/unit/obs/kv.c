/* SPDX-License-Identifier: MIT */
/* Pairs of a log line: quoted so that no value can forge another pair or another line. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "obs/kv.h"

static void test_quote(void **state)
{
	static const struct {
		const char *value, *quoted;
	} cases[] = {
	    {"plain", "plain"},
	    {"10.0.0.1:80", "10.0.0.1:80"},
	    {"", "\"\""},
	    {"two words", "\"two words\""},
	    {"a=b", "\"a=b\""},
	    {"say \"hi\"", "\"say \\\"hi\\\"\""},
	    {"back\\slash", "\"back\\\\slash\""},
	    {"line\nbreak", "\"line\\nbreak\""},
	    {"\x01\x1b[31m\x7f", "\"\\u0001\\u001b[31m\\u007f\""},
	    {"\r\t", "\"\\r\\t\""},
	    {"gr\xc3\xbc\xc3\x9f", "gr\xc3\xbc\xc3\x9f"},
	    {"\xe2\x82\xac \xf0\x9f\x98\x80", "\"\xe2\x82\xac \xf0\x9f\x98\x80\""},
	    {"latin\xfc", "\"latin\\ufffd\""},
	    {"cut\xe2\x82", "\"cut\\ufffd\\ufffd\""},
	    {"\xc0\xaf", "\"\\ufffd\\ufffd\""},              /* overlong */
	    {"\xed\xa0\x80", "\"\\ufffd\\ufffd\\ufffd\""},   /* a surrogate */
	    {"a\xe2\x80\xa8", "\"a\\ufffd\\ufffd\\ufffd\""}, /* ends of lines */
	    {"a\xe2\x80\xa9", "\"a\\ufffd\\ufffd\\ufffd\""},
	    {"\xe2\x80\xaa\xe2\x81\xa8", "\xe2\x80\xaa\xe2\x81\xa8"},
	    {"\xc2\x9b"
	     "31m",
	     "\"\\ufffd\\ufffd"
	     "31m\""}, /* CSI of C1 */
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		char out[100];

		assert_int_equal(kv_quote(out, sizeof out, cases[i].value), strlen(cases[i].quoted));
		assert_string_equal(out, cases[i].quoted);
	}
}

/* Whatever the room: the length that was needed, a NUL, and nothing beyond the end. */
static void test_quote_truncates(void **state)
{
	static const char value[] = "a \"b\"\n\x01 end";
	size_t needed = kv_quote(NULL, 0, value);

	(void)state;
	assert_int_equal(needed, strlen("\"a \\\"b\\\"\\n\\u0001 end\""));
	for (size_t size = 1; size <= needed + 2; size++) {
		char out[64];

		memset(out, '#', sizeof out);
		assert_int_equal(kv_quote(out, size, value), needed);
		assert_true(strlen(out) < size);
		assert_int_equal(out[size], '#');
	}
}

static void test_format(void **state)
{
	char out[400];
	const struct kv pairs[] = {
	    kv_none(),        kv_user("al ice"), kv_plugin(""),    kv_client(NULL),
	    kv_exit_code(-1), kv_tunnels(0),     kv_rtt_ms(1500),  kv_duration_ms(2000000),
	    kv_delay_ms(1),   kv_errno(-ENOENT), {.key = KV_KEYS}, {.key = KV_hint, .text = "x"},
	};
	static const char expected[] = "user=\"al ice\" exit_code=-1 tunnels=0 rtt_ms=1.500 duration_ms=2000 "
	                               "delay_ms=0.001 error=\"No such file or directory\" hint=x";

	(void)state;
	assert_int_equal(kv_format(out, sizeof out, pairs, sizeof pairs / sizeof pairs[0]), strlen(expected));
	assert_string_equal(out, expected);
	assert_int_equal(kv_format(out, sizeof out, pairs, 1), 0);
	assert_string_equal(out, "");
	assert_int_equal(kv_errno(0).text == NULL, 1);
	assert_string_equal(kv_name(KV_user), "user");
	assert_string_equal(kv_name(KV_KEYS), "unknown");
}

/* What does not fit is left out whole, and counted. */
static void test_format_truncates(void **state)
{
	const struct kv pairs[] = {kv_user("alice"), kv_error("a text that is too long for the room there is"),
	                           kv_hint("short"), kv_path("/another/one/that/does/not/fit/into/this/line")};

	(void)state;
	for (size_t size = 0; size < 200; size++) {
		char out[200], *at;
		size_t n;

		memset(out, '#', sizeof out);
		n = kv_format(out, size, pairs, 4);
		assert_true(n == 0 || n < size);
		if (size == 0)
			continue;
		assert_int_equal(strlen(out), n);
		at = strstr(out, "error=");
		assert_true(at == NULL || strstr(at, "there is\"") != NULL);
		assert_true(size < 60 || n == 0 || strstr(out, "path=") || strstr(out, "truncated="));
	}
}

/* One huge value takes no more than its share, and ends at a character. */
static void test_value_is_limited(void **state)
{
	static char huge[9000], out[3 * KV_VALUE_MAX];
	size_t n;

	(void)state;
	for (size_t i = 0; i + 2 < sizeof huge; i += 2)
		memcpy(huge + i, "\xc3\xbc", 2);
	n = kv_format(out, sizeof out, (const struct kv[]){kv_error(huge), kv_user("alice")}, 2);
	assert_true(n < KV_VALUE_MAX + 40);
	assert_non_null(strstr(out, "\xc3\xbc... user=alice"));
	assert_null(strstr(out, "\\ufffd"));
}

static void test_text(void **state)
{
	const char *text = textf("%d of %s", 3, "four");

	(void)state;
	assert_string_equal(text, "3 of four");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_quote),
	    cmocka_unit_test(test_quote_truncates),
	    cmocka_unit_test(test_format),
	    cmocka_unit_test(test_format_truncates),
	    cmocka_unit_test(test_value_is_limited),
	    cmocka_unit_test(test_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
