/* SPDX-License-Identifier: MIT */
/* Values of a line: what was written is what is read. */
#include "monitor/logfmt_value.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "obs/event.h"

static void test_values(void **state)
{
	static const struct {
		const char *line, *key, *value;
		bool is;
	} rows[] = {
	    {"event=leg_up plugin=cf", "plugin", "cf", true},
	    {"event=leg_up plugin=cf", "plug", "", false},
	    {"event=leg_up plugin=cf", "lugin", "", false},
	    {"event=verdict verdict=7 summary=\"a b=c\" user=x", "user", "x", true},
	    {"a=\"say \\\"b=1\\\"\" b=2", "b", "2", true},
	    {"a=\"say \\\"b=1\\\"\" b=2", "a", "say \"b=1\"", true},
	    {"a=\"one\\ntwo\"", "a", "one\ntwo", true},
	    {"a= b=1", "a", "", true},
	    {"a=\"never closed", "a", "never closed", true},
	    {"a=\"\\", "a", "\\", true},
	    {"a", "a", "", false},
	    {"", "a", "", false},
	    {"a=longer_than_the_room_for_it", "a", "longer_than_the", true},
	};
	char value[16];

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		assert_int_equal(logfmt_value(rows[i].line, rows[i].key, value, sizeof value), rows[i].is);
		assert_string_equal(value, rows[i].value);
	}
}

static void test_what_an_event_says(void **state)
{
	char line[EVENT_LINE_MAX], value[400];
	struct event e;

	(void)state;
	event_init(&e, EVENT_TUNNEL_DROP, 1);
	event_set(e.user, "O\"Neil = \\ x");
	event_set(e.text, "it broke: user=\"eve\"");
	event_format(&e, line, sizeof line);
	assert_true(logfmt_value(line, "user", value, sizeof value));
	assert_string_equal(value, e.user);
	assert_true(logfmt_value(line, "detail", value, sizeof value));
	assert_string_equal(value, e.text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_values), cmocka_unit_test(test_what_an_event_says)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
