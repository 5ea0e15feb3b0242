/* SPDX-License-Identifier: MIT */
/* Events: the line of each, and tables that are whole: every kind and reason has its row. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "obs/event.h"

static void test_kinds(void **state)
{
	(void)state;
	for (unsigned kind = 0; kind < EVENT_KINDS; kind++) {
		const char *name = event_kind_name((enum event_kind)kind);

		assert_true(*name != '\0' && strspn(name, "abcdefghijklmnopqrstuvwxyz_") == strlen(name));
		assert_int_equal(event_kind_parse(name), kind); /* and so no name stands twice */
		assert_in_range(event_kind_level((enum event_kind)kind), LOG_L_ERROR, LOG_L_DEBUG);
	}
	assert_int_equal(event_kind_parse("no such kind"), EVENT_KINDS);
	assert_string_equal(event_kind_name(EVENT_KINDS), "unknown");
	assert_false(event_kind_journalled(EVENT_KINDS));
	assert_true(event_kind_journalled(EVENT_VERDICT));
	assert_false(event_kind_journalled(EVENT_TUNNEL_ALIVE));
}

static void test_reasons(void **state)
{
	unsigned n = 0;

	(void)state;
	while (strcmp(reason_label(n), "unknown") != 0) {
		assert_true(*reason_sentence(n) != '\0');
		for (unsigned k = 0; k < n; k++)
			assert_string_not_equal(reason_label(k), reason_label(n));
		n++;
	}
	assert_true(n > T3OPS_R_ADDRESS_CHANGED);
	assert_string_equal(reason_label(T3OPS_R_WALLED_OFF), "walled_off");
	assert_int_equal(reason_side(T3OPS_R_WALLED_OFF), SIDE_CONFIG);
	assert_int_equal(reason_side(T3OPS_R_CLIENT_GAVE_UP), SIDE_PATH);
	assert_int_equal(reason_side(T3OPS_R_UPSTREAM_RESET), SIDE_SERVE);
	assert_int_equal(reason_side(T3OPS_R_CLIENT_RESET), SIDE_CLIENT);
	assert_int_equal(reason_side(T3OPS_R_LOCAL), SIDE_NOBODY);
	assert_int_equal(reason_side(60000), SIDE_NOBODY);
}

static void test_steps(void **state)
{
	static const char *const labels[] = {"dns", "connect", "tls", "http", "open"};

	(void)state;
	for (unsigned i = 0; i < 5; i++)
		assert_string_equal(step_label(T3OPS_STEP_DNS + i), labels[i]);
	assert_string_equal(step_label(6), "unknown");
}

static void test_init(void **state)
{
	struct event e;

	(void)state;
	memset(&e, 0xff, sizeof e);
	event_init(&e, EVENT_LEG_DOWN, 2);
	assert_int_equal(e.kind, EVENT_LEG_DOWN);
	assert_int_equal(e.process, 2);
	assert_true(e.time_us > 0 && e.mono_us > 0);
	assert_int_equal(e.id, 0);
	assert_int_equal(e.text[0], '\0');
	assert_int_equal(e.text[sizeof e.text - 1], '\0');
}

static void test_copy(void **state)
{
	static const struct {
		const char *text, *copied; /* into 6 bytes */
	} cases[] = {
	    {"", ""},
	    {"abc", "abc"},
	    {"abcde", "abcde"},
	    {"abcdefgh", "abcde"},
	    {"abcd\xc3\xbc", "abcd"},
	    {"abc\xe2\x82\xac", "abc"},
	    {"ab\xe2\x82\xacz", "ab\xe2\x82\xac"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		char out[6];

		event_copy(out, sizeof out, cases[i].text);
		assert_string_equal(out, cases[i].copied);
	}
}

static void test_format(void **state)
{
	struct event e;
	char line[500];
	static const char whole[] =
	    "event=tunnel_drop id=7 user=\"al ice\" step=open reason=client_gave_up code=1006 address=10.0.0.1 "
	    "colo=FRA "
	    "age=61.500000s rtt=0.002000s idle_client=0.000001s idle_upstream=9.000000s bytes_up=1 bytes_down=2 "
	    "count=3 "
	    "segments=\"last_mile wan\" text=\"say \\\"x\\\"\"";

	(void)state;
	event_init(&e, EVENT_TUNNEL_DROP, 1);
	assert_int_equal(event_format(&e, line, sizeof line), strlen("event=tunnel_drop"));
	assert_string_equal(line, "event=tunnel_drop"); /* what is not said is left out */
	e.id = 7;
	event_set(e.user, "al ice");
	e.step = T3OPS_STEP_OPEN;
	e.reason = T3OPS_R_CLIENT_GAVE_UP;
	e.code = 1006;
	event_set(e.address, "10.0.0.1");
	event_set(e.colo, "FRA");
	e.age_us = 61500000;
	e.rtt_us = 2000;
	e.idle_client_us = 1;
	e.idle_upstream_us = 9000000;
	e.bytes_up = 1;
	e.bytes_down = 2;
	e.count = 3;
	event_set(e.segments, "last_mile wan");
	event_set(e.text, "say \"x\"");
	assert_int_equal(event_format(&e, line, sizeof line), strlen(whole));
	assert_string_equal(line, whole);
}

static void test_format_truncates(void **state)
{
	struct event e;
	size_t needed;

	(void)state;
	event_init(&e, EVENT_NOTE, 1);
	event_set(e.plugin, "probe");
	event_set(e.text, "a line with \"quotes\"");
	needed = event_format(&e, NULL, 0);
	for (size_t size = 1; size <= needed + 1; size++) {
		char out[128];

		memset(out, '#', sizeof out);
		assert_int_equal(event_format(&e, out, size), needed);
		assert_true(strlen(out) < size);
		assert_int_equal(out[size], '#');
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_kinds),
	    cmocka_unit_test(test_reasons),
	    cmocka_unit_test(test_steps),
	    cmocka_unit_test(test_init),
	    cmocka_unit_test(test_copy),
	    cmocka_unit_test(test_format),
	    cmocka_unit_test(test_format_truncates),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
