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
		assert_int_equal(event_kind_parse(name), kind); /* and so no name is a duplicate */
		assert_true(event_kind_level((enum event_kind)kind) >= LOG_L_ERROR);
		assert_true(event_kind_level((enum event_kind)kind) <= LOG_L_DEBUG);
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
	    "event=tunnel_dropped tunnel=7 user=\"al ice\" step=open reason=client_gave_up close_code=1006 "
	    "client=10.0.0.1 colo=FRA duration_ms=61500 rtt_ms=2 idle_client_ms=0.001 idle_upstream_ms=9000 "
	    "bytes_up=1 "
	    "bytes_down=2 segments=\"last_mile wan\" detail=\"say \\\"x\\\"\"";

	(void)state;
	event_init(&e, EVENT_TUNNEL_DROP, 1);
	assert_int_equal(event_format(&e, line, sizeof line), strlen("event=tunnel_dropped"));
	assert_string_equal(line, "event=tunnel_dropped"); /* what is not said is left out */
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

/* The same slots have the names that fit the kind. */
static void test_format_by_kind(void **state)
{
	static const struct {
		enum event_kind kind;
		uint16_t code;
		const char *line;
	} cases[] = {
	    {EVENT_PROCESS_EXITED, 137,
	     "event=process_exited pid=7 user=u exit_code=137 client=::1 rtt_ms=2 child=x"},
	    {EVENT_REQUEST_REJECTED, 403,
	     "event=request_rejected identity=u http_status=403 client=::1 rtt_ms=2 suppressed=3 error=x"},
	    {EVENT_IDENTITY_IGNORED, 0, "event=identity_ignored user=u peer=::1 rtt_ms=2 suppressed=3 hint=x"},
	    {EVENT_LEG_LATE, 0, "event=leg_late incident=7 user=u client=::1 unanswered_ms=2"},
	    {EVENT_LEG_ATTEMPT, 0, "event=leg_attempt_failed incident=7 user=u client=::1 step_ms=2 detail=x"},
	    {EVENT_LEG_DOWN, 1006, "event=leg_down incident=7 user=u close_code=1006 client=::1 rtt_ms=2 detail=x"},
	    {EVENT_LEG_DOWN, 302, "event=leg_down incident=7 user=u http_status=302 client=::1 rtt_ms=2 detail=x"},
	    {EVENT_VERDICT, 0, "event=verdict incident=7 user=u client=::1 rtt_ms=2 verdict=3 summary=x"},
	    {EVENT_USERS_LOADED, 0, "event=users_loaded user=u client=::1 rtt_ms=2 users=3"},
	    {EVENT_KINDS, 5, "event=unknown user=u client=::1 rtt_ms=2"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct event e;
		char line[300];

		event_init(&e, cases[i].kind, 1);
		e.id = 7;
		e.count = 3;
		e.code = cases[i].code;
		event_set(e.address, "::1");
		event_set(e.user, "u");
		e.rtt_us = 2000;
		event_set(e.text, "x");
		event_format(&e, line, sizeof line);
		assert_string_equal(line, cases[i].line);
	}
}

/* The longest there can be fits into EVENT_LINE_MAX. */
static void test_format_longest(void **state)
{
	static char line[EVENT_LINE_MAX];
	struct event e;

	(void)state;
	event_init(&e, EVENT_TUNNEL_DROP, 1);
	memset(e.plugin, 1, sizeof e.plugin - 1);
	memset(e.callback, 1, sizeof e.callback - 1);
	memset(e.user, 1, sizeof e.user - 1);
	memset(e.command, 1, sizeof e.command - 1);
	memset(e.address, 1, sizeof e.address - 1);
	memset(e.path, 1, sizeof e.path - 1);
	memset(e.user_agent, 1, sizeof e.user_agent - 1);
	memset(e.colo, 1, sizeof e.colo - 1);
	memset(e.segments, 1, sizeof e.segments - 1);
	memset(e.text, 1, sizeof e.text - 1);
	e.id = e.age_us = e.rtt_us = e.idle_client_us = e.idle_upstream_us = e.bytes_up = e.bytes_down = INT64_MAX;
	e.step = T3OPS_STEP_CONNECT;
	e.reason = T3OPS_R_HEARTBEAT_TIMEOUT;
	e.code = UINT16_MAX;
	assert_true(event_format(&e, line, sizeof line) > 3000);
	assert_null(strstr(line, "truncated="));
	assert_non_null(strstr(line, "detail="));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_kinds),          cmocka_unit_test(test_reasons),
	    cmocka_unit_test(test_steps),          cmocka_unit_test(test_init),
	    cmocka_unit_test(test_copy),           cmocka_unit_test(test_format),
	    cmocka_unit_test(test_format_by_kind), cmocka_unit_test(test_format_longest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
