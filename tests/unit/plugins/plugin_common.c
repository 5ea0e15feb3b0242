/* SPDX-License-Identifier: MIT */
/* What the pairing plugins share: cookies, locations, loops. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "auto_pair/mint_error.h"
#include "common/cookies.h"
#include "common/marker.h"
#include "common/navigation.h"

static void cookies_are_found(void **state)
{
	static const struct {
		const char *header, *name;
		bool prefix, found;
	} rows[] = {
	    {NULL, "a", false, false},     {"", "a", false, false},
	    {"a=1", "a", false, true},     {"b=2; a=1", "a", false, true},
	    {"b=2;a=1", "a", false, true}, {"aa=1", "a", false, false},
	    {"aa=1", "a", true, true},     {"a", "a", false, false},
	    {"a=", "a", false, false},     {" a=1 ; b", "a", false, true},
	    {"A=1", "a", false, false},    {"b=a=1", "a", false, false},
	    {";;; a=1", "a", false, true}, {"t3_session_1_ab=x", "t3_session", true, true},
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		if (cookies_have(rows[i].header, rows[i].name, rows[i].prefix) != rows[i].found)
			fail_msg("row %zu: \"%s\"", i, rows[i].header);
}

static void cookies_are_replaced(void **state)
{
	static const struct {
		const char *header, *name, *set_cookie, *want;
	} rows[] = {
	    {NULL, "s", "s=new; Path=/", "s=new"},
	    {"", "s", "s=new", "s=new"},
	    {"s=old", "s", "s=new; HttpOnly", "s=new"},
	    {"a=1; s=old; b=2; s=older", "s", "s=new;x", "s=new; a=1; b=2"},
	    {"a;b;c", "s", "s=new", "s=new; a; b; c"},
	    {"ss=1", "s", "s=new", "s=new; ss=1"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		char *got = cookies_replace(rows[i].header, rows[i].name, rows[i].set_cookie);

		assert_string_equal(got, rows[i].want);
		free(got);
	}
}

static void set_cookies_that_leave_one(void **state)
{
	static const struct {
		const char *set_cookie;
		bool live;
	} rows[] = {
	    {"a=1", true},
	    {"a=1; Path=/; HttpOnly; SameSite=Lax", true},
	    {"a=1; Max-Age=60", true},
	    {"a=1; Expires=Fri, 31 Dec 2100 00:00:00 GMT", true},
	    {"a=1; Expires=Fri, 31-Dec-2100 00:00:00 GMT", true},
	    {"a=1; Max-Age=60; Expires=Thu, 01 Jan 1970 00:00:00 GMT", true},
	    {"a=1; Expires=soon", true},
	    {"a=1; path=/max-age=0", true},
	    {"a=", false},
	    {"a=; Path=/", false},
	    {"a=\"\"; Path=/", false},
	    {"a= ; Path=/", false},
	    {"a=1; Max-Age=0", false},
	    {"a=1;max-age=0", false},
	    {"a=1; MAX-AGE=-1", false},
	    {"a=1; Max-Age=60; Max-Age=0", false},
	    {"a=1; Expires=Thu, 01 Jan 1970 00:00:00 GMT", false},
	    {"a=1; expires=Thu, 01-Jan-1970 00:00:01 GMT", false},
	    {"a=1; Max-Age=0; Expires=Fri, 31 Dec 2100 00:00:00 GMT", false},
	    {"a", false},
	    {"=1", false},
	    {"", false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		if (set_cookie_is_live(rows[i].set_cookie, 1800000000) != rows[i].live)
			fail_msg("%s", rows[i].set_cookie);
}

static void names_of_set_cookie(void **state)
{
	char out[8];

	(void)state;
	assert_true(set_cookie_name("a=1; Path=/", out, sizeof out));
	assert_string_equal(out, "a");
	assert_false(set_cookie_name("a; b=1", out, sizeof out));
	assert_false(set_cookie_name("=1", out, sizeof out));
	assert_false(set_cookie_name("", out, sizeof out));
	assert_false(set_cookie_name("12345678=1", out, sizeof out));
}

static void locations_stay_here(void **state)
{
	static const char *const rows[][2] = {{"/", "/"},
	                                      {"/a?b=//c", "/a?b=//c"},
	                                      {"//evil.example/", "/evil.example/"},
	                                      {"/\\evil.example", "/evil.example"},
	                                      {"\\/\\/x", "/x"},
	                                      {"", "/"}};
	char out[64];

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		assert_true(location_make(rows[i][0], out, sizeof out));
		assert_string_equal(out, rows[i][1]);
	}
	assert_false(location_make("/0123456789", out, 11));
}

static void queries_are_searched(void **state)
{
	(void)state;
	assert_true(query_has("/ws?wsTicket=1", "wsTicket"));
	assert_true(query_has("/ws?a=1&wsTicket", "wsTicket"));
	assert_false(query_has("/ws?xwsTicket=1", "wsTicket"));
	assert_false(query_has("/ws?wsTicket2=1", "wsTicket"));
	assert_false(query_has("/wsTicket=1", "wsTicket"));
}

static void marks_come_and_go(void **state)
{
	static const struct {
		const char *target, *marked, *unmarked;
	} rows[] = {
	    {"/", "/?t3ops_paired=3e8", "/"},
	    {"/a?b=1", "/a?b=1&t3ops_paired=3e8", "/a?b=1"},
	    {"/a?t3ops_paired=1", "/a?t3ops_paired=3e8", "/a"},
	    {"/a?t3ops_paired=1&b=2", "/a?b=2&t3ops_paired=3e8", "/a?b=2"},
	    {"/a?b=2&t3ops_paired=1", "/a?b=2&t3ops_paired=3e8", "/a?b=2"},
	    {"/a?xt3ops_paired=1", "/a?xt3ops_paired=1&t3ops_paired=3e8", "/a?xt3ops_paired=1"},
	};
	const uint64_t now = UINT64_C(1000000000);
	char out[64];

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		assert_true(marker_add(rows[i].target, now, out, sizeof out));
		assert_string_equal(out, rows[i].marked);
		assert_int_equal(marker_read(out, now), MARKER_FRESH);
		assert_int_equal(marker_read(out, now + MARKER_FRESH_US + 1000000), MARKER_OLD);
		assert_true(marker_remove(rows[i].target, out, sizeof out));
		assert_string_equal(out, rows[i].unmarked);
		assert_int_equal(marker_read(out, now), MARKER_NONE);
	}
	assert_false(marker_add("/0123456789", now, out, 20));
	assert_false(marker_remove("/0123456789", out, 11));
}

static void mint_errors_are_found(void **state)
{
	static const struct {
		const char *out, *why;
	} rows[] = {
	    {"", ""},
	    {"\n\n", ""},
	    {"hello\n", "hello"},
	    {"starting\n[12:00:01] ERROR: Failed to create pairing link\n  at x.js:1\n",
	     "[12:00:01] ERROR: Failed to create pairing link"},
	    {"\033[31mFailed to open\033[0m\n", "Failed to open"},
	    {"Failed to create pairing link\nPersistenceSqlError: no such column: role\n",
	     "Failed to create pairing link; its database may be newer than the t3 program"},
	    {"{\"credential\": \"4B5QSVRLKTYA\", \"error\": 1}\nFailed later\n", "Failed later"},
	    {"error near 4B5QSVRLKTYA\nFailed later\n", "Failed later"},
	    /* what a newer t3 may print instead */
	    {"{\"pairingToken\": \"swordfish\"}\n", ""},
	    {"{\n  \"code\": \"k7-w2-xy\"\n}\n", ""},
	    {"Pair at https://t3.example.com/pair?code=1#k7w2xy\nTo end it press q\n", "To end it press q"},
	    {"error: eyJ2IjoxLCJzdWIiOiJvd25lciJ9.c2ln is not known\nFailed later\n", "Failed later"},
	    {"Failed to open /home/alice/.t3/userdata/state.sqlite (3f0c2a9e-1111-4222-8333-9abcdef01234)\n",
	     "Failed to open /home/alice/.t3/userdata/state.sqlite (3f0c2a9e-1111-4222-8333-9abcdef01234)"},
	    {"{\"error\": \"cannot open the database\"}\n", "{\"error\": \"cannot open the database\"}"},
	};
	char why[200];

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		mint_error_find(rows[i].out, strlen(rows[i].out), why, sizeof why);
		assert_string_equal(why, rows[i].why);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(cookies_are_found),   cmocka_unit_test(cookies_are_replaced),
	    cmocka_unit_test(names_of_set_cookie), cmocka_unit_test(set_cookies_that_leave_one),
	    cmocka_unit_test(locations_stay_here), cmocka_unit_test(queries_are_searched),
	    cmocka_unit_test(marks_come_and_go),   cmocka_unit_test(mint_errors_are_found),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
