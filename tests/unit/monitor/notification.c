/* SPDX-License-Identifier: MIT */
/* Notifications: which verdicts a section gets, how severe they are, and what its program reads. */
#include "monitor/notification.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static char *own[] = {(char *)"last_mile", (char *)"serve"};
static const struct text_list per_user = {own, 2};

static json_t *verdict(const char *segments, const char *state, const char *change, bool exonerated)
{
	json_t *o = json_pack("{s:I, s:I, s:s, s:s, s:b, s:s, s:s, s:s, s:[s], s:i, s:[], s:i}", "id", (json_int_t)17,
	                      "incident", (json_int_t)9, "state", state, "change", change, "infra_exonerated",
	                      (int)exonerated, "verdict", "it", "text", "It is down.", "drop_time",
	                      "2026-11-26T14:03:00.000Z", "users", "alice", "users_omitted", 3, "evidence",
	                      "evidence_omitted", 0);

	assert_non_null(o);
	json_object_set_new(o, "segments", json_loads(segments, 0, NULL));
	return o;
}

static void severities(void **state)
{
	static const struct {
		const char *segments;
		bool exonerated;
		enum notification_severity severity;
	} rows[] = {
	    {"[\"tunnel\"]", false, NOTIFICATION_CRITICAL},
	    {"[\"cloudflare\", \"tunnel\"]", false, NOTIFICATION_CRITICAL},
	    {"[\"serve(alice)\"]", false, NOTIFICATION_WARNING},
	    {"[\"serve(alice)\", \"dispatch\"]", false, NOTIFICATION_CRITICAL},
	    {"[\"server\"]", false, NOTIFICATION_CRITICAL},
	    {"[\"host\"]", false, NOTIFICATION_WARNING},
	    {"[\"last_mile(alice)\"]", true, NOTIFICATION_INFO},
	    {"[\"prober\"]", false, NOTIFICATION_INFO},
	    {"[\"unknown\"]", false, NOTIFICATION_INFO},
	    {"[\"exonerated\"]", true, NOTIFICATION_INFO},
	    {"[\"inconclusive\"]", false, NOTIFICATION_INFO},
	    {"[]", false, NOTIFICATION_INFO},
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		json_t *v = verdict(rows[i].segments, "standing", "new", rows[i].exonerated);

		if (notification_severity(v, &per_user) != rows[i].severity)
			fail_msg("%s: %s", rows[i].segments,
			         notification_severity_name(notification_severity(v, &per_user)));
		json_decref(v);
	}
}

static void which_are_wanted(void **state)
{
	char *tunnel[] = {(char *)"tunnel"}, *serve[] = {(char *)"serve"};
	const struct notify_options all = {.min_severity = "info", .revised = true, .healed = true},
	                            given = {.min_severity = "info"},
	                            severe = {.min_severity = "critical", .revised = true, .healed = true},
	                            of_tunnel = {.min_severity = "info", .segments = {tunnel, 1}},
	                            of_serve = {.min_severity = "warning", .segments = {serve, 1}, .healed = true};
	const struct {
		const struct notify_options *options;
		const char *segments, *state, *change;
		bool told, wanted;
	} rows[] = {
	    {&all, "[\"unknown\"]", "standing", "new", false, true},
	    {&all, "[\"inconclusive\"]", "standing", "new", false, false},
	    {&all, "[\"tunnel\"]", "standing", "narrowed", true, true},
	    {&all, "[\"tunnel\"]", "healed", "new", true, true},
	    {&all, "[\"tunnel\"]", "expired", "new", true, true},
	    {&all, "[\"tunnel\"]", "healed", "new", false, false}, /* it never heard of it */
	    {&given, "[\"tunnel\"]", "standing", "users", true, false},
	    {&given, "[\"tunnel\"]", "standing", "again", true, true},
	    {&given, "[\"tunnel\"]", "healed", "new", true, false},
	    {&severe, "[\"serve(alice)\"]", "standing", "new", false, false},
	    {&severe, "[\"tunnel\"]", "standing", "changed", false, true}, /* only now */
	    {&severe, "[\"serve(alice)\"]", "standing", "narrowed", true, true},
	    {&severe, "[\"serve(alice)\"]", "healed", "narrowed", true, true},
	    {&of_tunnel, "[\"cloudflare\", \"tunnel\"]", "standing", "new", false, true},
	    {&of_tunnel, "[\"cloudflare\"]", "standing", "new", false, false},
	    {&of_tunnel, "[\"host\"]", "standing", "new", false, false},
	    {&of_serve, "[\"serve(alice)\"]", "standing", "new", false, true},
	    {&of_serve, "[\"serve(alice)\"]", "healed", "new", true, true},
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		json_t *v = verdict(rows[i].segments, rows[i].state, rows[i].change, false);

		if (notification_is_wanted(rows[i].options, v, &per_user, rows[i].told) != rows[i].wanted)
			fail_msg("row %zu: expected %s", i, rows[i].wanted ? "wanted" : "not wanted");
		json_decref(v);
	}
}

static void as_json(void **state)
{
	const struct notify_options options = {.format = "json"};
	json_t *v = verdict("[\"tunnel\"]", "standing", "new", false), *o;
	char *text = notification_make(&options, v, &per_user, "here");

	(void)state;
	o = json_loads(text, 0, NULL);
	assert_int_equal(json_integer_value(json_object_get(o, "version")), NOTIFICATION_VERSION);
	assert_string_equal(json_string_value(json_object_get(o, "notification")), "given");
	assert_string_equal(json_string_value(json_object_get(o, "severity")), "critical");
	assert_string_equal(json_string_value(json_object_get(o, "host")), "here");
	assert_string_equal(json_string_value(json_object_get(o, "text")), "It is down.");
	assert_true(json_equal(json_object_get(o, "verdict"), v));
	json_decref(o);
	json_decref(v);
	free(text);
}

static void too_much_evidence_is_counted(void **state)
{
	const struct notify_options options = {.format = "json"};
	json_t *v = verdict("[\"tunnel\"]", "standing", "new", false), *all, *o;
	char *text;

	(void)state;
	for (int i = 0; i < 4000; i++)
		json_array_append_new(json_object_get(v, "evidence"), json_string("a leg that failed"));
	text = notification_make(&options, v, &per_user, "here");
	assert_true(strlen(text) < NOTIFICATION_MAX);
	all = json_loads(text, 0, NULL);
	o = json_object_get(all, "verdict");
	assert_int_equal(json_array_size(json_object_get(o, "evidence")), 0);
	assert_int_equal(json_integer_value(json_object_get(o, "evidence_omitted")), 4000);
	assert_int_equal(json_array_size(json_object_get(v, "evidence")), 4000);
	json_decref(all);
	json_decref(v);
	free(text);
}

static void as_text(void **state)
{
	const struct notify_options options = {.format = "text"};
	json_t *v = verdict("[\"tunnel\"]", "healed", "new", false);
	char *text;

	(void)state;
	json_object_set_new(v, "ended_time", json_string("2026-11-26T14:04:24.000Z"));
	text = notification_make(&options, v, &per_user, "here");
	assert_string_equal(text, "here: it (healed, critical)\nIt is down.\nSince: 2026-11-26T14:03:00.000Z\n"
	                          "Ended: 2026-11-26T14:04:24.000Z, after 1 min 24 s\nUsers: alice and 3 more\n"
	                          "Evidence: t3opsctl show 17\n");
	json_decref(v);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(severities), cmocka_unit_test(which_are_wanted),
	                                   cmocka_unit_test(as_json), cmocka_unit_test(too_much_evidence_is_counted),
	                                   cmocka_unit_test(as_text)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
