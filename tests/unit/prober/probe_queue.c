/* SPDX-License-Identifier: MIT */
/* Whom to ask next: affected users first, the others in turn, nobody twice. */
#include "prober/probe_queue.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

struct row {
	const char *what;
	const char *added; /* a letter an item: lower case, or upper case if its user was affected; -x: it ends */
	const char *taken;
};

static const struct row rows[] = {
    {"in turn", "abc", "abc"},
    {"affected first", "abC", "Cab"},
    {"affected in turn", "aBCd", "BCad"},
    {"asked again: nobody loses a place", "abcab", "abc"},
    {"affected meanwhile: moves up", "abcC", "Cab"},
    {"everybody is asked again: who is affected stays so", "abCabc", "Cab"},
    {"one ends", "abc-b", "ac"},
    {"a affected one ends", "aB-b", "a"},
    {"one ends that never waited", "-ba", "a"},
    {"nothing", "", ""},
};

static void every_row(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct probe_item items[26] = {{.queued = false}}, *item;
		struct probe_queue q;
		char taken[32];
		size_t n = 0;

		probe_queue_init(&q);
		for (const char *c = rows[i].added; *c != '\0'; c++) {
			if (*c == '-')
				probe_queue_remove(&q, &items[*++c - 'a']);
			else
				probe_queue_add(&q, &items[(*c | 0x20) - 'a'], (*c & 0x20) == 0);
		}
		while ((item = probe_queue_take(&q)) != NULL)
			taken[n++] = (char)((item->affected ? 'A' : 'a') + (item - items));
		taken[n] = '\0';
		if (strcmp(taken, rows[i].taken) != 0)
			fail_msg("%s: %s", rows[i].what, taken);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(every_row)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
