/* SPDX-License-Identifier: MIT */
/* What the metrics say of users, and durations as people say them. */
#include "monitor/user_facts.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "monitor/duration_words.h"

static void test_facts(void **state)
{
	static const char page[] =
	    "# HELP t3ops_x_info {user=\"eve\"} 1\n"
	    "t3ops_up 1\n"
	    "t3ops_job_last_success_timestamp_seconds{task=\"night\",user=\"al\\\"ice\"} 1764252192\n"
	    "t3ops_job_last_success_timestamp_seconds{task=\"never\",user=\"al\\\"ice\"} 0\n"
	    "t3ops_drill_done_timestamp_seconds{user=\"bob\"} 1764252192\n"
	    "t3ops_leg_last_disconnect_timestamp_seconds{leg=\"cf\",user=\"bob\"} 1764252192\n"
	    "t3ops_move_timestamp_seconds{user=\"bob\",outcome=\"failed\"} 1764252192\n"
	    "t3ops_move_timestamp_seconds{user=\"\"} 1764252192\n"
	    "t3ops_move_timestamp_seconds{user=\"bob\"} +Inf\n"
	    "t3ops_server_info{plugin=\"p\",user=\"bob\",version=\"1.2\",channel=\"beta, or so\"} 1\n"
	    "t3ops_server_info{user=\"bob\",version=\"1.1\"} 0\n"
	    "t3ops_build_info{version=\"0.1\"} 1\n"
	    "t3ops_broken_info{user=\"bob\n";
	static const char expected[] = "{\"al\\\"ice\":{\"times\":{\"night\":\"2025-11-27T14:03:12.000Z\"}},"
	                               "\"bob\":{\"facts\":{\"channel\":\"beta, or so\",\"version\":\"1.2\"},"
	                               "\"times\":{\"drill done\":\"2025-11-27T14:03:12.000Z\"}}}";
	size_t len = strlen(page);
	char *copy = malloc(len), *text; /* without an end of its own, like the page in the making */
	json_t *users = json_object();

	(void)state;
	assert_non_null(copy);
	memcpy(copy, page, len);
	for (const char *at = copy; at < copy + len;)
		at = user_facts_line(users, at, copy + len);
	free(copy);
	text = json_dumps(users, JSON_COMPACT | JSON_SORT_KEYS);
	assert_string_equal(text, expected);
	free(text);
	json_decref(users);
}

static void test_durations(void **state)
{
	static const struct {
		double seconds;
		const char *words;
	} rows[] = {{-1, "0 ms"},   {0.0804, "80 ms"},   {0.1, "0.1 s"},         {9.94, "9.9 s"}, {9.96, "10 s"},
	            {59.4, "59 s"}, {59.6, "1 min"},     {84, "1 min 24 s"},     {3600, "1 h"},   {7380, "2 h 3 min"},
	            {86400, "1 d"}, {273600, "3 d 4 h"}, {1e30, "1157407 d 9 h"}};
	char words[DURATION_WORDS_SIZE];

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		duration_words(rows[i].seconds, words);
		assert_string_equal(words, rows[i].words);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_facts), cmocka_unit_test(test_durations)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
