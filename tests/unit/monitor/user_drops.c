/* SPDX-License-Identifier: MIT */
/* Drops that no verdict is about: which are left, how long they lasted, whether a leg failed meanwhile. */
#include "monitor/user_drops.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "sys/time_text.h"

#define S  UINT64_C(1000000)
#define T0 (UINT64_C(1800000000) * S)

static json_t *verdict(uint64_t began_us, uint64_t ended_us)
{
	char began[TIME_TEXT_SIZE], ended[TIME_TEXT_SIZE];

	time_text(began_us, began);
	time_text(ended_us, ended);
	return json_pack("{s:s, s:s, s:s, s:s}", "drop_time", began, "time", began, "state",
	                 ended_us > 0 ? "healed" : "standing", "ended_time", ended);
}

static void rows(void **state)
{
	struct user_event events[] = {
	    {.time_us = T0 + 1008 * S, .kind = USER_BACK},
	    {.time_us = T0 + 1000 * S, .kind = USER_DROPPED, .text = "it was cut"},
	    {.time_us = T0 + 1001 * S, .kind = USER_DROPPED, .text = "its second WebSocket"},
	    {.time_us = T0 + 3000 * S, .kind = USER_DROPPED, .text = "told by a verdict"},
	    {.time_us = T0 + 9000 * S, .kind = USER_DROPPED},
	    {.time_us = T0 + 9015 * S, .kind = USER_LEG_DOWN},
	    {.time_us = T0 + 20000 * S, .kind = USER_BACK},
	};
	json_t *verdicts = json_pack("[o]", verdict(T0 + 2995 * S, T0 + 3050 * S)), *list, *first, *last;
	char when[TIME_TEXT_SIZE];

	(void)state;
	list = user_drops_make(events, sizeof events / sizeof events[0], verdicts);
	assert_int_equal(json_array_size(list), 2);
	first = json_array_get(list, 0);
	last = json_array_get(list, 1);
	assert_true(json_is_null(json_object_get(first, "seconds"))); /* hours later is no coming back */
	assert_true(json_is_true(json_object_get(first, "legs_failed")));
	time_text(T0 + 1000 * S, when);
	assert_string_equal(json_string_value(json_object_get(last, "time")), when);
	assert_true(json_number_value(json_object_get(last, "seconds")) == 8.0);
	assert_true(json_is_false(json_object_get(last, "legs_failed")));
	assert_string_equal(json_string_value(json_object_get(last, "text")), "it was cut");
	json_decref(list);
	json_decref(verdicts);
}

static void one_that_stands_tells_of_all_since(void **state)
{
	struct user_event events[] = {{.time_us = T0 + 500 * S, .kind = USER_DROPPED}};
	json_t *verdicts = json_pack("[o]", verdict(T0, 0)), *list = user_drops_make(events, 1, verdicts);

	(void)state;
	assert_int_equal(json_array_size(list), 0);
	json_decref(list);
	list = user_drops_make(NULL, 0, verdicts);
	assert_int_equal(json_array_size(list), 0);
	json_decref(list);
	json_decref(verdicts);
}

/* More users than a verdict names: who was cut off during it is one of them. */
static void of_too_many_to_be_named(void **state)
{
	struct user_event events[] = {{.time_us = T0 + 5 * S, .kind = USER_DROPPED},
	                              {.time_us = T0 + 1000 * S, .kind = USER_BACK}};
	json_t *verdicts = json_pack("[o, o, o]", verdict(T0, T0 + 60 * S), verdict(T0 + 900 * S, T0 + 1100 * S),
	                             verdict(T0 + 2000 * S, 0)),
	       *named = json_array_get(verdicts, 2), *kept;

	(void)state;
	json_object_set_new(named, "users", json_pack("[s]", "alice"));
	user_drops_filter(verdicts, "alice", events, 2);
	assert_int_equal(json_array_size(verdicts), 2);
	kept = json_array_get(verdicts, 1);
	assert_ptr_equal(kept, named);
	user_drops_filter(verdicts, "bob", events, 2);
	assert_int_equal(json_array_size(verdicts), 1);
	user_drops_filter(verdicts, "bob", NULL, 0);
	assert_int_equal(json_array_size(verdicts), 0);
	json_decref(verdicts);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(rows),
	                                   cmocka_unit_test(one_that_stands_tells_of_all_since),
	                                   cmocka_unit_test(of_too_many_to_be_named)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
