/* SPDX-License-Identifier: MIT */
/* The identity header: whose word counts, and in which shapes. */
#include "net/http_parse.h"
#include "proxy/identity.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define NAME "X-authentik-username"

#define TEN      "0123456789"
#define HUNDRED  TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN
#define LONG_254 HUNDRED HUNDRED TEN TEN TEN TEN TEN "abcd"
#define PARTS_80 "%c3%b6%c3%b6%c3%b6%c3%b6%c3%b6%c3%b6%c3%b6%c3%b6"

static const struct {
	const char *fields;
	bool trusted, strip, percent;
	enum identity_result result;
	const char *who;
} rows[] = {
    {"", true, false, false, IDENTITY_NONE, ""},
    {NAME ": alice\r\n", true, false, false, IDENTITY_FOUND, "alice"},
    {"x-AUTHENTIK-username: alice\r\n", true, false, false, IDENTITY_FOUND, "alice"},
    {NAME ":\talice \r\n", true, false, false, IDENTITY_FOUND, "alice"},
    {NAME ": alice@example.org\r\n", true, false, false, IDENTITY_FOUND, "alice@example.org"},
    {NAME ": alice@example.org\r\n", true, true, false, IDENTITY_FOUND, "alice"},
    {NAME ": @example.org\r\n", true, true, false, IDENTITY_LENGTH, ""},
    {NAME ":\r\n", true, false, false, IDENTITY_NONE, ""},
    {NAME ": alice\r\n", false, false, false, IDENTITY_IGNORED, ""},
    {NAME ": alice\r\n" NAME ": alice\r\n", true, false, false, IDENTITY_TWICE, ""},
    {NAME ": alice\r\nX_authentik_username: bob\r\n", true, false, false, IDENTITY_ALIASED, ""},
    {"X.authentik.username: bob\r\n", true, false, false, IDENTITY_ALIASED, ""},
    {"X_authentik-username: bob\r\n", false, false, false, IDENTITY_IGNORED, ""},
    {NAME ": alice\r\nConnection: close, " NAME "\r\n", true, false, false, IDENTITY_CONNECTION, ""},
    {"X-authentik-username2: alice\r\n", true, false, false, IDENTITY_NONE, ""},
    /* any printable text is a name */
    {NAME ": alice, bob\r\n", true, false, false, IDENTITY_FOUND, "alice, bob"},
    {NAME ": John Doe\r\n", true, false, false, IDENTITY_FOUND, "John Doe"},
    {NAME ": CORP\\john\r\n", true, false, false, IDENTITY_FOUND, "CORP\\john"},
    {NAME ": a;b\"c\"\r\n", true, false, false, IDENTITY_FOUND, "a;b\"c\""},
    {NAME ": 0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\r\n", true, false, false,
     IDENTITY_FOUND, "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"},
    {NAME ": " LONG_254 "\r\n", true, false, false, IDENTITY_FOUND, LONG_254},
    {NAME ": " LONG_254 "e\r\n", true, false, false, IDENTITY_LENGTH, ""},
    {NAME ": a\tb\r\n", true, false, false, IDENTITY_CONTROL, ""},
    {NAME ": J\xc3\xb6rg\r\n", true, false, false, IDENTITY_FOUND, "J\xc3\xb6rg"},
    {NAME ": J\xf6rg\r\n", true, false, false, IDENTITY_FOUND, "J\xc3\xb6rg"},
    {NAME ": \xe4\xf6\xfc\xdf\r\n", true, false, false, IDENTITY_FOUND, "\xc3\xa4\xc3\xb6\xc3\xbc\xc3\x9f"},
    {NAME ": a\x9b"
          "b\r\n",
     true, false, false, IDENTITY_CONTROL, ""},
    {NAME ": a\xc2\x9b"
          "b\r\n",
     true, false, false, IDENTITY_CONTROL, ""},
    {NAME ": " LONG_254 "\xf6\r\n", true, false, false, IDENTITY_LENGTH, ""},
    {NAME ": J%C3%B6rg\r\n", true, false, false, IDENTITY_FOUND, "J%C3%B6rg"},
    /* percent-encoded */
    {NAME ": J%C3%b6rg%20D\r\n", true, false, true, IDENTITY_FOUND, "J\xc3\xb6rg D"},
    {NAME ": alice\r\n", true, false, true, IDENTITY_FOUND, "alice"},
    {NAME ": alice%40example.org\r\n", true, true, true, IDENTITY_FOUND, "alice"},
    {NAME ": 100%\r\n", true, false, true, IDENTITY_ENCODING, ""},
    {NAME ": a%2\r\n", true, false, true, IDENTITY_ENCODING, ""},
    {NAME ": a%zz\r\n", true, false, true, IDENTITY_ENCODING, ""},
    {NAME ": J%F6rg\r\n", true, false, true, IDENTITY_ENCODING, ""},
    {NAME ": a%00b\r\n", true, false, true, IDENTITY_CONTROL, ""},
    {NAME ": a%0Ab\r\n", true, false, true, IDENTITY_CONTROL, ""},
    {NAME ": " LONG_254 "%41\r\n", true, false, true, IDENTITY_LENGTH, ""},
    {NAME ": " PARTS_80 PARTS_80 "\r\n", true, false, true, IDENTITY_FOUND,
     "\xc3\xb6\xc3\xb6\xc3\xb6\xc3\xb6\xc3\xb6\xc3\xb6\xc3\xb6\xc3\xb6\xc3\xb6\xc3\xb6\xc3\xb6\xc3\xb6\xc3\xb6\xc3"
     "\xb6\xc3\xb6\xc3\xb6"},
};

static void table(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		const struct identity_form form = {span_of(NAME), rows[i].strip, rows[i].percent};
		char head[1024], who[T3OPS_USER_NAME_SIZE];
		struct http_head h;
		enum identity_result got;
		int len = snprintf(head, sizeof head, "GET / HTTP/1.1\r\nHost: a\r\n%s\r\n", rows[i].fields);

		assert_int_equal(http_request_parse(&h, head, (size_t)len), HTTP_SYNTAX_OK);
		got = identity_find(&h, &form, rows[i].trusted, who);
		if (got != rows[i].result || strcmp(who, rows[i].who) != 0)
			fail_msg("row %zu (%s): result %d, \"%s\"", i, rows[i].fields, (int)got, who);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(table)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
