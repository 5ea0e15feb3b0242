/* SPDX-License-Identifier: MIT */
/* A verdict written down: nothing is cut in mid-word, and nothing is left out of the JSON. */
#include "monitor/verdict_json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "monitor/verdict_board.h"
#include "monitor/verdict_ring.h"

#define USERS 60

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

static const struct leg_def def = {.name = "cf"};
static struct leg leg = {.def = &def, .user = "", .rtt_us = 4200};

/* A verdict about many users with long names whose tunnels broke, while one leg answered. */
struct case_of_many {
	char names[USERS][64];
	const char *users[USERS];
	struct observation rows[USERS + 1];
	struct drop drops[USERS];
	struct observations observations;
	struct host_pressure pressure;
	struct topology *topology;
	struct verdict verdict;
	struct verdict_basis basis;
};

static void case_make(struct case_of_many *c)
{
	const char *which;

	*c = (struct case_of_many){.verdict = {.id = 9, .incident = 7, .revision = 2, .failing = USERS, .times = 1}};
	for (size_t i = 0; i < USERS; i++) {
		snprintf(c->names[i], sizeof c->names[i], "somebody.with.a.rather.long.name.%zu@example.com", i);
		c->users[i] = c->names[i];
		c->drops[i] = (struct drop){.user = c->users[i], .reason = T3OPS_R_CLIENT_EOF, .tunnels = 1};
		c->rows[i] = (struct observation){.drop = &c->drops[i], .verdict = 9};
		tomo_path_add(&c->rows[i].accused, "wan");
	}
	c->rows[USERS] = (struct observation){.leg = &leg, .proven_us = 1};
	c->observations = (struct observations){.rows = c->rows, .n = USERS + 1, .n_failing = USERS};
	tomo_path_add(&c->verdict.conclusion.suspects, "wan");
	c->verdict.was.kind = VERDICT_UNKNOWN;
	c->verdict.change = VERDICT_CHANGED;
	c->verdict.users = (struct user_set){.names = c->users, .n = USERS};
	assert_int_equal(topology_new(&(struct path_shape){.n_legs = 0}, &c->topology, &which), 0);
	c->basis = (struct verdict_basis){.topology = c->topology,
	                                  .verdict = &c->verdict,
	                                  .observations = &c->observations,
	                                  .pressure = &c->pressure};
}

static int64_t number(const json_t *o, const char *key)
{
	return json_integer_value(json_object_get(o, key));
}

static const char *text(const json_t *o, const char *key)
{
	return json_string_value(json_object_get(o, key));
}

static void the_json_is_bounded_and_names_every_user(void **state)
{
	struct case_of_many c;
	json_t *json;

	(void)state;
	case_make(&c);
	json = verdict_json(&c.basis);
	assert_int_equal(number(json, "version"), VERDICT_JSON_VERSION);
	assert_int_equal(number(json, "id"), 9);
	assert_int_equal(number(json, "incident"), 7);
	assert_int_equal(number(json, "revision"), 2);
	assert_string_equal(text(json, "state"), "standing");
	assert_true(json_is_null(json_object_get(json, "ended_time")));
	assert_string_equal(text(json, "change"), "changed");
	assert_string_equal(text(json, "was"), "unknown");
	assert_string_equal(text(json, "verdict"), "wan");
	assert_int_equal(json_array_size(json_object_get(json, "users")), USERS);
	assert_int_equal(json_array_size(json_object_get(json, "evidence")), VERDICT_FAILING_MAX + 1);
	assert_int_equal(number(json, "evidence_omitted"), USERS - VERDICT_FAILING_MAX);
	assert_int_equal(number(json, "users_omitted"), 0);
	c.verdict.state = VERDICT_HEALED;
	verdict_json_update(json, &c.verdict, "then");
	assert_string_equal(text(json, "state"), "healed");
	assert_string_equal(text(json, "ended_time"), "then");
	json_decref(json);
	topology_free(c.topology);
}

/* Of a mass of users the first are named, and how many more there are. */
static void of_too_many_users_some_are_counted(void **state)
{
	enum { MORE = 7 };
	const char *users[VERDICT_USERS_MAX + MORE];
	struct verdict v = {.id = 1, .users = {.names = users, .n = VERDICT_USERS_MAX + MORE}};
	json_t *json = json_object();

	(void)state;
	for (size_t i = 0; i < VERDICT_USERS_MAX + MORE; i++)
		users[i] = "somebody";
	v.absent = v.users;
	verdict_json_update(json, &v, "");
	assert_int_equal(json_array_size(json_object_get(json, "users")), VERDICT_USERS_MAX);
	assert_int_equal(number(json, "users_omitted"), MORE);
	assert_int_equal(number(json, "users_absent"), VERDICT_USERS_MAX + MORE);
	json_decref(json);
}

static void the_event_ends_behind_a_word_where_the_json_goes_on(void **state)
{
	struct case_of_many c;
	struct event e;
	json_t *json;
	const char *whole;

	(void)state;
	case_make(&c);
	json = verdict_json(&c.basis);
	whole = text(json, "text");
	assert_true(strlen(whole) > sizeof e.text);
	assert_non_null(strstr(whole, "and 56 more while cf 4 ms answered"));
	verdict_event(&c.basis, &e);
	assert_int_equal(e.id, 7);
	assert_int_equal(e.count, 9);
	assert_int_equal(e.code, 2);
	assert_string_equal(e.segments, "wan");
	assert_memory_equal(e.text, whole, strlen(e.text) - 3);
	assert_int_equal(whole[strlen(e.text) - 3], ' ');
	assert_string_equal(e.text + strlen(e.text) - 3, "...");
	json_decref(json);
	topology_free(c.topology);
}

/* What stands is shown as it is now, what the diagnosis forgot not at all. */
static void the_board_follows_the_table(void **state)
{
	struct verdict_table table = {.n = 0};
	struct verdict_board board = {.n = 0};
	struct case_of_many c;
	struct verdict *v;
	json_t *list;

	(void)state;
	case_make(&c);
	for (int i = 0; i < 2; i++) {
		v = verdict_table_add(&table);
		c.verdict.id = v->id;
		list = verdict_json(&c.basis);
		assert_int_equal(verdict_board_put(&board, v, list), 0);
		json_decref(list);
	}
	v->state = VERDICT_HEALED;
	v->times = 3;
	assert_non_null(verdict_board_end(&board, v, 0));
	list = verdict_board_json(&board, &table);
	assert_int_equal(json_array_size(list), 2);
	assert_int_equal(number(json_array_get(list, 0), "id"), 2);
	assert_int_equal(number(json_array_get(list, 0), "times"), 3);
	assert_string_equal(text(json_array_get(list, 0), "state"), "healed");
	assert_string_equal(text(json_array_get(list, 1), "state"), "standing");
	json_decref(list);
	verdict_table_fini(&table);
	list = verdict_board_json(&board, &table);
	assert_int_equal(json_array_size(list), 0);
	json_decref(list);
	verdict_board_fini(&board);
	topology_free(c.topology);
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
	    cmocka_unit_test(the_json_is_bounded_and_names_every_user),
	    cmocka_unit_test(of_too_many_users_some_are_counted),
	    cmocka_unit_test(the_event_ends_behind_a_word_where_the_json_goes_on),
	    cmocka_unit_test(the_board_follows_the_table),
	    cmocka_unit_test(the_ring_knows_what_it_forgot),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
