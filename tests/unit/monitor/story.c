/* SPDX-License-Identifier: MIT */
/* Which events belong to the story of a verdict, and their words. */
#include "monitor/story.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define DROP_US  UINT64_C(1764200000000000) /* 2025-11-26T23:33:20Z; it is over 5 s later */
#define AFTER(s) (DROP_US + (uint64_t)((s)*1e6))

static json_t *verdict(void)
{
	return json_pack("{s:i, s:s, s:s, s:s, s:s, s:[s], s:[s], s:[]}", "id", 1, "state", "healed", "drop_time",
	                 "2025-11-26T23:33:20.000Z", "ended_time", "2025-11-26T23:33:25.000Z", "time",
	                 "2025-11-26T23:33:20.500Z", "users", "alice", "segments", "serve(alice)", "evidence");
}

static const struct {
	double at_s;
	const char *kind, *plugin, *user, *line;
	const char *want; /* NULL: it is no part */
} rows[] = {
    {-6, "action_done", "backup", "alice", "duration_ms=90 facts=\"list file=x\"", NULL},
    {-0.2, "user_moving", "upgrade", "alice", "detail=0.0.41",
     "a user is about to be moved to another version of t3; the server is restarted; upgrade; user alice; 0.0.41"},
    {5.6, "action_done", "backup", "alice", "duration_ms=5800 facts=\"restore file=x\"",
     "backup restore of alice done after 5.8 s; file=x"},
    {5.6, "action_failed", "backup", "alice", "duration_ms=5800 error=\"restore: no room\"",
     "backup restore of alice failed after 5.8 s; no room"},
    {5.6, "action_done", "backup", "alice", "duration_ms=100 facts=\"list file=x\"", NULL},
    {1, "action_done", "backup", "bob", "duration_ms=5800 facts=\"restore file=x\"", NULL},
    {1, "job_done", "backup", "alice", "facts=\"file=x\"", NULL},
};

static void test_actions(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		json_t *of = verdict(), *events = json_array(), *story, *steps;
		const char *said;

		json_array_append_new(events, story_event(AFTER(rows[i].at_s), rows[i].kind, rows[i].plugin,
		                                          rows[i].user, rows[i].line));
		story = story_make(of, events, AFTER(60.));
		steps = json_object_get(story, "steps");
		said = json_string_value(json_object_get(json_array_get(steps, 0), "text"));
		if (rows[i].want == NULL ? json_array_size(steps) != 0
		                         : said == NULL || strcmp(said, rows[i].want) != 0)
			fail_msg("row %zu: %s", i, said != NULL ? said : "nothing");
		json_decref(story);
		json_decref(events);
		json_decref(of);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_actions)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
