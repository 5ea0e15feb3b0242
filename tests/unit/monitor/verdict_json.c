/* SPDX-License-Identifier: MIT */
/* A verdict written down: nothing is cut in mid-word, and nothing is left out of the JSON. */
#include "monitor/verdict_json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "monitor/verdict_ring.h"

#define USERS 30

static void text_ends_behind_a_whole_word(void **state)
{
	static const struct {
		size_t size;
		const char *text, *want;
	} rows[] = {
	    {16, "", ""},
	    {16, "fits", "fits"},
	    {16, "fifteen letters", "fifteen letters"},
	    {16, "sixteen letters!", "sixteen..."},
	    {16, "one two three four five", "one two..."},
	    {16, "twelve bytes and more", "twelve bytes..."},
	    {16, "onewordonewordoneword", "..."},
	    {16, "m\xc3\xbcller m\xc3\xbcller m\xc3\xbcller", "m\xc3\xbcller..."},
	};
	char out[16];

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		text_shorten(rows[i].text, out, rows[i].size);
		assert_string_equal(out, rows[i].want);
	}
}

static const struct leg_def def = {.name = "probe_cloudflare"};
static struct leg leg = {.def = &def, .user = "", .alive = true, .rtt_us = 4200};

/* Many users with long names whose tunnels broke, while one leg answered. */
static void verdict_make(struct verdict *v, struct observations *o, struct observation *rows, struct drop *drops)
{
	static const struct incident incident = {.id = 7, .first_us = 1};
	static const char *const name = "somebody.with.a.rather.long.name@example.com";

	for (size_t i = 0; i < USERS; i++) {
		drops[i] = (struct drop){.user = name, .reason = T3OPS_R_CLIENT_EOF, .tunnels = 1};
		rows[i] = (struct observation){.drop = &drops[i]};
		tomo_path_add(&rows[i].accused, "wan");
	}
	rows[USERS] = (struct observation){.leg = &leg};
	*o = (struct observations){.rows = rows, .n = USERS + 1, .n_failing = USERS};
	*v = (struct verdict){.kind = VERDICT_FAULT, .id = 7, .failing = USERS, .observations = o};
	v->incident = &incident;
	tomo_path_add(&v->suspects, "wan");
}

static void the_event_is_short_and_the_json_whole(void **state)
{
	struct observation rows[USERS + 1];
	struct drop drops[USERS];
	struct observations o;
	struct verdict v;
	struct event e;
	json_t *json;
	const char *text;

	(void)state;
	verdict_make(&v, &o, rows, drops);
	json = verdict_json(&v);
	text = json_string_value(json_object_get(json, "text"));
	assert_true(strlen(text) > sizeof e.text);
	assert_non_null(strstr(text, " and 26 more while probe_cloudflare 4 ms answered"));
	assert_int_equal(json_array_size(json_object_get(json, "evidence")), USERS + 1);
	verdict_event(&v, &e);
	assert_string_equal(e.segments, "wan");
	assert_memory_equal(e.text, text, strlen(e.text) - 3);
	assert_int_equal(text[strlen(e.text) - 3], ' ');
	assert_string_equal(e.text + strlen(e.text) - 3, "...");
	json_decref(json);
}

/* 150 verdicts: the last 100 are there, and it says so when more are asked for. */
static void the_ring_knows_what_it_forgot(void **state)
{
	struct verdict_ring r = {.given = 0};
	json_t *list;

	(void)state;
	for (int i = 0; i < 150; i++) {
		json_t *verdict = json_pack("{s:i}", "id", i);

		assert_int_equal(verdict_ring_add(&r, verdict), i + 1);
		json_decref(verdict);
	}
	list = verdict_ring_json(&r, 0, 1000);
	assert_int_equal(json_array_size(list), VERDICTS_KEPT);
	assert_int_equal(json_integer_value(json_object_get(json_array_get(list, 0), "id")), 149);
	json_decref(list);
	assert_true(verdict_ring_has(&r, 0, VERDICTS_KEPT));
	assert_true(verdict_ring_has(&r, 50, 1000));
	assert_false(verdict_ring_has(&r, 49, 1000));
	assert_false(verdict_ring_has(&r, 0, VERDICTS_KEPT + 1));
	verdict_ring_fini(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(text_ends_behind_a_whole_word),
	    cmocka_unit_test(the_event_is_short_and_the_json_whole),
	    cmocka_unit_test(the_ring_knows_what_it_forgot),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
