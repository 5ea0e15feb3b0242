/* SPDX-License-Identifier: MIT */
/* When the watchdog acts: scripts of what it hears, second by second, and what it orders. */
#include "watchdog/target.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define S UINT64_C(1000000)

static const struct target_rules rules = {.patience_us = 10 * S,
                                          .grace_us = 20 * S,
                                          .window_us = 1000 * S,
                                          .backup_limit_us = 5 * S,
                                          .restart_limit_us = 50 * S,
                                          .max_restarts = 2};

/*
 * A script: events "SECOND:LETTER", each at a second of its own, and a look at the target each second until the last
 * one.
 *   U its leg is up     D down    V a verdict names it   v it ended   E what was ordered ended
 *   H the host is unwell          B another server is in hand         b it is not
 *   F the restart was refused     R an earlier monitor had it restarted half a second ago
 * orders: "SECOND:LETTER" for what it does: s saves (backup), r restarts, g gives up.
 */
static const struct {
	const char *what, *script, *orders;
} cases[] = {
    {"a server that is well", "1:U 200:.", ""},
    {"a verdict alone", "1:U 100:V 200:.", ""},
    {"a leg alone", "1:U 100:D 200:.", ""},
    {"hangs: backup, restart", "1:U 100:D 101:V 113:E 120:.", "111:s 113:r"},
    {"the backup takes too long", "1:U 100:D 101:V 120:.", "111:s 116:r"},
    {"well again before the patience is over", "1:U 100:D 101:V 109:U 200:.", ""},
    {"the verdict changes its mind", "1:U 100:D 101:V 109:v 200:.", ""},
    {"well again while the backup is made", "1:U 100:D 101:V 112:U 200:.", "111:s"},
    {"the host explains it: the patience begins anew", "1:U 100:D 101:V 108:H 125:.", "118:s 123:r"},
    {"it was only starting, and comes up", "1:D 2:V 15:U 16:v 100:.", ""},
    {"it starts, but never comes up", "1:D 2:V 40:.", "21:s 26:r"},
    {"it was up for a moment only: it is given its grace", "1:U 10:D 11:V 50:.", "30:s 35:r"},
    {"one at a time", "1:U 100:B 101:D 102:V 130:b 140:.", "130:s 135:r"},
    {"it comes up after the restart", "1:U 100:D 101:V 113:E 115:E 118:U 119:v 200:.", "111:s 113:r"},
    {"the restart helps nothing: again, then no more", "1:U 100:D 101:V 113:E 115:E 400:.",
     "111:s 113:r 135:s 140:r 210:g"},
    {"the end of a restart is lost", "1:U 100:D 101:V 113:E 190:.", "111:s 113:r 183:s 188:r"},
    {"a verdict, and nothing is known of its leg yet", "1:V 200:.", ""},
    {"nothing is known, then its leg is up", "1:V 50:U 200:.", ""},
    {"nothing is known, then its leg is down", "1:V 50:D 80:.", "70:s 75:r"},
    {"refused: again, and not counted", "1:U 100:D 101:V 113:E 114:F 400:.",
     "111:s 113:r 124:s 129:r 199:s 204:r 274:g"},
    {"an earlier monitor did it: no more", "1:R 2:R 3:V 4:D 200:.", "24:g"},
    {"after the window has passed it is tried again", "1:U 100:D 101:V 113:E 115:E 1140:.",
     "111:s 113:r 135:s 140:r 210:g 1123:s 1128:r"},
};

static char letter_of(enum target_order order)
{
	switch (order) {
	case TARGET_BACK_UP:
		return 's';
	case TARGET_RESTART:
		return 'r';
	case TARGET_GIVES_UP:
		return 'g';
	default:
		return '\0';
	}
}

/* "SECOND:LETTER " -> both; false at the end. */
static bool script_next(const char **at, unsigned *second, char *letter)
{
	char *end;

	if (**at == '\0')
		return false;
	*second = (unsigned)strtoul(*at, &end, 10);
	*letter = end[1];
	*at = end + 2 + (end[2] == ' ');
	return true;
}

static void event_play(struct target *t, char letter, uint64_t now, uint64_t *strained, bool *may_begin)
{
	if (letter == 'U' || letter == 'D')
		target_leg(t, letter == 'U', now);
	else if (letter == 'V' || letter == 'v')
		target_verdict(t, letter == 'V' ? 7 : 0);
	else if (letter == 'E')
		target_ended(t, now);
	else if (letter == 'F')
		target_refused(t, now);
	else if (letter == 'R')
		target_restarted(t, now - S / 2);
	else if (letter == 'H')
		*strained = now;
	else if (letter == 'B' || letter == 'b')
		*may_begin = letter == 'b';
}

static void script_play(const char *script, char *orders, size_t size)
{
	struct target t = {.user = "alice"};
	bool may_begin = true;
	uint64_t strained = 0;
	unsigned second;
	size_t used = 0;
	char letter;

	orders[0] = '\0';
	for (unsigned now = 1; script_next(&script, &second, &letter);) {
		for (; now <= second; now++) {
			char order;

			if (now == second)
				event_play(&t, letter, now * S, &strained, &may_begin);
			order = letter_of(target_step(&t, &rules, strained, may_begin, now * S));
			if (order != '\0')
				used += (size_t)snprintf(orders + used, size - used, "%s%u:%c", used > 0 ? " " : "",
				                         now, order);
		}
	}
	target_fini(&t);
}

static void test_scripts(void **state)
{
	char orders[200];

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		script_play(cases[i].script, orders, sizeof orders);
		if (strcmp(orders, cases[i].orders) != 0)
			fail_msg("%s: \"%s\", expected \"%s\"", cases[i].what, orders, cases[i].orders);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_scripts)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
