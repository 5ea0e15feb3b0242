/* SPDX-License-Identifier: MIT */
/* The probe's session as text, and the pauses between pairings. */
#include "probe_t3serve/session_text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define SECOND UINT64_C(1000000)
#define DAY    (24 * 3600 * SECOND)

static void test_round_trip(void **state)
{
	static const struct session_facts rows[] = {
	    {"127.0.0.1:3773", "t3_session=eyJ2.abc-_", 5, 6, 7, 2},
	    {"::1:1", "a=b", 0, 0, 0, 0},
	    {"127.0.0.1:3773", "", 0, 0, UINT64_MAX, 7},
	};
	char text[SESSION_TEXT_SIZE];
	struct session_facts read;

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		int len = session_text_write(&rows[i], text, sizeof text);

		assert_int_equal(len, strlen(text));
		assert_true(session_text_read(&read, text));
		assert_string_equal(read.address, rows[i].address);
		assert_string_equal(read.cookie, rows[i].cookie);
		assert_true(read.made_us == rows[i].made_us && read.expires_us == rows[i].expires_us);
		assert_true(read.paired_us == rows[i].paired_us && read.pairings == rows[i].pairings);
	}
	assert_int_equal(session_text_write(&rows[0], text, 60), -1);
}

static void test_other_text(void **state)
{
	static const char *const rows[] = {
	    "",
	    "t3ops session 1\n",
	    "t3ops session 2\naddress a\npaired 1 1\nlife 1 1\ncookie a=b\n",
	    "t3ops session 1\naddress a\npaired 1 1\nlife 1 1\ncookie a=b",
	    "t3ops session 1\naddress a\npaired 1 1\nlife 1 1\ncookie a\n",
	    "t3ops session 1\naddress a\npaired 1 1\nlife 1 1\ncookie a=b c\n",
	    "t3ops session 1\naddress a\npaired x 1\nlife 1 1\ncookie a=b\n",
	    "t3ops session 1\naddress a\npaired 1 1\nlife 1 1\ncookie",
	};
	struct session_facts read;

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		if (session_text_read(&read, rows[i]))
			fail_msg("row %zu was read", i);
		assert_string_equal(read.address, "");
		assert_string_equal(read.cookie, "");
	}
}

static void test_cookie(void **state)
{
	static const struct {
		const char *set_cookie, *want; /* NULL: none */
	} rows[] = {
	    {"t3_session=abc; Path=/; HttpOnly", "t3_session=abc"},
	    {"t3_session=abc ;Path=/", "t3_session=abc"},
	    {"a=b", "a=b"},
	    {"", NULL},
	    {"a=", NULL},
	    {"=b", NULL},
	    {"a=b c", NULL},
	    {"a=b\r\nX: y", NULL},
	    {"Path; a=b", NULL},
	};
	char out[COOKIE_SIZE];

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		bool ok = cookie_take(rows[i].set_cookie, out);

		if (ok != (rows[i].want != NULL) || (ok && strcmp(out, rows[i].want) != 0))
			fail_msg("\"%s\": %s", rows[i].set_cookie, ok ? out : "none");
	}
}

/* At once, then after 1, 2, 4 ... 64 pauses; long after the last one all is forgotten. */
static void test_pauses(void **state)
{
	struct session_facts f = {0};
	uint64_t now_us = 1000 * DAY;

	(void)state;
	assert_true(pairing_is_due(&f, SECOND, now_us));
	for (unsigned n = 0; n < 12; n++) {
		uint64_t pause_us = SECOND << (n < 6 ? n : 6);

		pairing_count(&f, SECOND, now_us);
		assert_false(pairing_is_due(&f, SECOND, now_us));
		assert_false(pairing_is_due(&f, SECOND, now_us - DAY)); /* the clock was set back */
		assert_false(pairing_is_due(&f, SECOND, now_us + pause_us - 1));
		now_us += pause_us;
		assert_true(pairing_is_due(&f, SECOND, now_us));
	}
	pairing_count(&f, SECOND, now_us + 128 * SECOND);
	assert_true(pairing_is_due(&f, SECOND, now_us + 129 * SECOND));
}

static void test_renewal(void **state)
{
	static const struct {
		uint64_t made_us, expires_us, now_us;
		bool old;
	} rows[] = {
	    {DAY, 31 * DAY, 29 * DAY, false},
	    {DAY, 31 * DAY, 30 * DAY, true},
	    {DAY, 31 * DAY, 40 * DAY, true},
	    {DAY, DAY + 100 * SECOND, DAY + 89 * SECOND, false},
	    {DAY, DAY + 100 * SECOND, DAY + 90 * SECOND, true},
	    {DAY, 0, 40 * DAY, false},
	};
	struct session_facts none = {.expires_us = DAY};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct session_facts f = {
		    .cookie = "a=b", .made_us = rows[i].made_us, .expires_us = rows[i].expires_us};

		if (session_is_old(&f, rows[i].now_us) != rows[i].old)
			fail_msg("row %zu", i);
	}
	assert_false(session_is_old(&none, 2 * DAY));
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_round_trip), cmocka_unit_test(test_other_text),
	                                   cmocka_unit_test(test_cookie), cmocka_unit_test(test_pauses),
	                                   cmocka_unit_test(test_renewal)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
