/* SPDX-License-Identifier: MIT */
/* Slow heartbeats: a state with hysteresis. */
#include "diagnosis/slow.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

struct row {
	const char *what;
	const char
	    *beats; /* u: usual (4 ms), s: slow (900 ms), n: noticeable but not unusual (600 ms), x: it went down */
	const char *states; /* after each: . or S */
};

static const struct row rows[] = {
    {"always well", "uuuuuu", "......"},
    {"two of five", "uusus", "....."},
    {"three of five", "uususs", ".....S"},
    {"three in a row", "usss", "...S"},
    {"two good ones are no end", "usssuu", "...SSS"},
    {"four good ones are", "usssuuuu", "...SSSS."},
    {"in and out at its edge", "usssususu", "...SSSSSS"},
    {"down is not slow", "usssx", "...S."},
    {"and starts anew", "usssxss", "...S..."},
    {"what it always was", "nnnnn", "....."},
};

static uint64_t rtt_of(char beat)
{
	return beat == 'u' ? 4000 : beat == 'n' ? 600000 : 900000;
}

static void every_row(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct slow s = {.usual_us = rows[i].beats[0] == 'n' ? 500000 : 0};

		for (size_t k = 0; rows[i].beats[k] != '\0'; k++) {
			bool was = s.is, changed;

			changed = rows[i].beats[k] == 'x' ? slow_stop(&s) : slow_beat(&s, rtt_of(rows[i].beats[k]));
			assert_int_equal(changed, was != s.is);
			if (s.is != (rows[i].states[k] == 'S'))
				fail_msg("%s: beat %zu", rows[i].what, k);
		}
	}
}

/* The usual follows what is not slow, and nothing else. */
static void the_usual(void **state)
{
	struct slow s = {.usual_us = 0};

	(void)state;
	slow_beat(&s, 8000);
	assert_int_equal(s.usual_us, 8000);
	slow_beat(&s, 16000);
	assert_int_equal(s.usual_us, 9000);
	slow_beat(&s, 2000000);
	assert_int_equal(s.usual_us, 9000);
	assert_int_equal(s.latest_us, 2000000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(every_row),
	    cmocka_unit_test(the_usual),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
