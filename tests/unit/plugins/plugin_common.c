/* SPDX-License-Identifier: MIT */
/* What the pairing plugins share: cookies, locations, loops. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/cookies.h"
#include "common/loop_guard.h"
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

static void loops_are_noticed(void **state)
{
	struct loop_guard *g = test_calloc(1, sizeof *g);
	uint64_t now = 1000;

	(void)state;
	for (int i = 0; i < LOOP_LIMIT; i++) {
		assert_false(loop_guard_asked(g, 7, now++));
		assert_false(loop_guard_asked(g, 8, now)); /* another page */
		loop_guard_redirected(g, 7, now++);
	}
	assert_true(loop_guard_asked(g, 7, now));
	assert_false(loop_guard_asked(g, 7, now + 2 * LOOP_WINDOW_US));
	assert_false(loop_guard_asked(g, 7, now + 2 * LOOP_WINDOW_US));
	test_free(g);
}

static void tabs_at_once_are_no_loop(void **state)
{
	struct loop_guard *g = test_calloc(1, sizeof *g);

	(void)state;
	for (int i = 0; i < 10; i++)
		assert_false(loop_guard_asked(g, 7, 1000));
	for (int i = 0; i < 10; i++)
		loop_guard_redirected(g, 7, 2000);
	assert_false(loop_guard_asked(g, 7, 3000));
	test_free(g);
}

static void guard_forgets_the_oldest(void **state)
{
	struct loop_guard *g = test_calloc(1, sizeof *g);

	(void)state;
	for (uint64_t key = 1; key <= 2 * LOOP_ROWS; key++)
		loop_guard_redirected(g, key, key);
	for (int i = 1; i < LOOP_LIMIT; i++)
		assert_false(loop_guard_asked(g, 2 * LOOP_ROWS, 3 * LOOP_ROWS));
	assert_true(loop_guard_asked(g, 2 * LOOP_ROWS, 3 * LOOP_ROWS));
	for (int i = 0; i < 2 * LOOP_LIMIT; i++)
		assert_false(loop_guard_asked(g, 1, 3 * LOOP_ROWS));
	test_free(g);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(cookies_are_found),        cmocka_unit_test(cookies_are_replaced),
	    cmocka_unit_test(names_of_set_cookie),      cmocka_unit_test(locations_stay_here),
	    cmocka_unit_test(queries_are_searched),     cmocka_unit_test(loops_are_noticed),
	    cmocka_unit_test(tabs_at_once_are_no_loop), cmocka_unit_test(guard_forgets_the_oldest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
