/* SPDX-License-Identifier: MIT */
/* Heartbeats and large messages of WebSocket legs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/ws_beat.h"

#define ID "0123456789abcdef"

static void beats_are_told_apart(void **state)
{
	static const struct {
		const char *text;
		bool is;
		uint64_t received_us, answered_us;
	} rows[] = {
	    {"beat 7 " ID, true, 0, 0},
	    {"beat 7 " ID " 1000 1250", true, 1000, 1250},
	    {"beat 7 " ID " 1000", false, 0, 0},
	    {"beat 7 " ID " 1000 1250 7", false, 0, 0},
	    {"beat 7 " ID " 1000 x", false, 0, 0},
	    {"beat 7", false, 0, 0},
	    {"beat 7 fedcba9876543210", false, 0, 0},
	    {"beat 77 " ID, false, 0, 0},
	    {"beat 8 " ID, false, 0, 0},
	    {"", false, 0, 0},
	    {"Beat 7 " ID, false, 0, 0},
	};
	char text[WS_BEAT_SIZE];
	struct ws_stamps stamps;

	(void)state;
	ws_beat_make(7, "", text);
	assert_string_equal(text, "beat 7");
	assert_true(ws_beat_is(7, "", "beat 7", 6, &stamps));
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		if (ws_beat_is(7, ID, rows[i].text, strlen(rows[i].text), &stamps) != rows[i].is)
			fail_msg("%s", rows[i].text);
		if (!rows[i].is)
			continue;
		assert_int_equal(stamps.received_us, rows[i].received_us);
		assert_int_equal(stamps.answered_us, rows[i].answered_us);
	}
}

static void the_echo_answers(void **state)
{
	const struct ws_stamps said = {UINT64_MAX, UINT64_MAX};
	char text[WS_BEAT_SIZE], id[WS_ID_SIZE];
	struct ws_stamps stamps;
	uint64_t number;
	size_t n = ws_beat_make(UINT64_MAX, ID, text);

	(void)state;
	assert_true(ws_beat_read(text, n, &number, id));
	assert_true(number == UINT64_MAX);
	assert_string_equal(id, ID);
	n = ws_beat_answer(number, id, &said, text);
	assert_true(n < sizeof text);
	assert_true(ws_beat_is(number, id, text, n, &stamps));
	assert_true(stamps.received_us == UINT64_MAX && stamps.answered_us == UINT64_MAX);
	assert_false(ws_beat_read(text, n, &number, id)); /* an answer is no heartbeat */
	assert_false(ws_beat_read("beat 7", 6, &number, id));
	assert_false(ws_beat_read("beat 7 xyz", 10, &number, id));
	assert_false(ws_beat_read("beat 7 " ID "\0", 24, &number, id));
}

static void questions(void **state)
{
	char text[WS_BEAT_SIZE], id[WS_ID_SIZE], large[2 * WS_BEAT_SIZE] = "seen ";
	uint64_t number = 0;
	size_t n = ws_seen_ask(ID, text);

	(void)state;
	assert_true(ws_seen_read(text, n, id));
	assert_string_equal(id, ID);
	assert_false(ws_seen_is(ID, text, n, &number)); /* as an echo that does not know it gives it back */
	n = ws_seen_answer(ID, 42, text);
	assert_true(ws_seen_is(ID, text, n, &number));
	assert_int_equal(number, 42);
	assert_false(ws_seen_is("fedcba9876543210", text, n, &number));
	assert_false(ws_seen_read(text, n, id));
	memset(large + 5, 'a', sizeof large - 5);
	assert_false(ws_seen_read(large, sizeof large, id));
}

static void large_messages_are_told_apart(void **state)
{
	unsigned char *a = malloc(WS_LARGE_SIZE), *b = malloc(WS_LARGE_SIZE);

	(void)state;
	for (uint64_t n = 0; n < 4; n++) {
		ws_large_make(n, a);
		ws_large_make(n + 4, b);
		assert_true(ws_large_is(n, a, WS_LARGE_SIZE));
		assert_false(ws_large_is(n, b, WS_LARGE_SIZE));
		assert_false(ws_large_is(n, a, WS_LARGE_SIZE - 8));
		a[WS_LARGE_SIZE - 1] ^= 1;
		assert_false(ws_large_is(n, a, WS_LARGE_SIZE));
	}
	free(a);
	free(b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(beats_are_told_apart),
	    cmocka_unit_test(the_echo_answers),
	    cmocka_unit_test(questions),
	    cmocka_unit_test(large_messages_are_told_apart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
