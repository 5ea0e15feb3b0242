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

static const struct {
	const char *fields;
	bool trusted, strip;
	enum identity_result result;
	const char *who;
} rows[] = {
    {"", true, false, IDENTITY_NONE, ""},
    {NAME ": alice\r\n", true, false, IDENTITY_FOUND, "alice"},
    {"x-AUTHENTIK-username: alice\r\n", true, false, IDENTITY_FOUND, "alice"},
    {NAME ":\talice \r\n", true, false, IDENTITY_FOUND, "alice"},
    {NAME ": alice@example.org\r\n", true, false, IDENTITY_FOUND, "alice@example.org"},
    {NAME ": alice@example.org\r\n", true, true, IDENTITY_FOUND, "alice"},
    {NAME ": @example.org\r\n", true, true, IDENTITY_REFUSED, ""},
    {NAME ":\r\n", true, false, IDENTITY_NONE, ""},
    {NAME ": alice\r\n", false, false, IDENTITY_IGNORED, ""},
    {NAME ": alice\r\n" NAME ": alice\r\n", true, false, IDENTITY_REFUSED, ""},
    {NAME ": alice\r\nX_authentik_username: bob\r\n", true, false, IDENTITY_REFUSED, ""},
    {"X.authentik.username: bob\r\n", true, false, IDENTITY_REFUSED, ""},
    {"X_authentik-username: bob\r\n", false, false, IDENTITY_IGNORED, ""},
    {NAME ": alice\r\nConnection: close, " NAME "\r\n", true, false, IDENTITY_REFUSED, ""},
    {NAME ": alice, bob\r\n", true, false, IDENTITY_REFUSED, ""},
    {NAME ": ../alice\r\n", true, false, IDENTITY_REFUSED, ""},
    {NAME ": al ice\r\n", true, false, IDENTITY_REFUSED, ""},
    {NAME ": 0123456789012345678901234567890123456789012345678901234567890123\r\n", true, false, IDENTITY_REFUSED,
     ""},
    {"X-authentik-username2: alice\r\n", true, false, IDENTITY_NONE, ""},
};

static void table(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		char head[512], who[64];
		struct http_head h;
		enum identity_result got;
		int len = snprintf(head, sizeof head, "GET / HTTP/1.1\r\nHost: a\r\n%s\r\n", rows[i].fields);

		assert_int_equal(http_request_parse(&h, head, (size_t)len), HTTP_SYNTAX_OK);
		got = identity_find(&h, span_of(NAME), rows[i].trusted, rows[i].strip, who);
		if (got != rows[i].result || strcmp(who, rows[i].who) != 0)
			fail_msg("row %zu (%s): result %d, \"%s\"", i, rows[i].fields, (int)got, who);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(table)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
