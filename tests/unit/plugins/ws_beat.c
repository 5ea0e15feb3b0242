/* SPDX-License-Identifier: MIT */
/* Heartbeats and large messages of WebSocket legs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/ws_beat.h"

static void beats_are_told_apart(void **state)
{
	static const struct {
		const char *text;
		bool is;
	} rows[] = {{"beat 7", true}, {"beat 77", false}, {"beat 8", false},
	            {"beat ", false}, {"", false},        {"Beat 7", false}};
	char text[WS_BEAT_SIZE];

	(void)state;
	assert_int_equal(ws_beat_make(7, text), 6);
	assert_string_equal(text, "beat 7");
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		assert_int_equal(ws_beat_is(7, rows[i].text, strlen(rows[i].text)), rows[i].is);
	assert_true(ws_beat_make(UINT64_MAX, text) < sizeof text);
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
	    cmocka_unit_test(large_messages_are_told_apart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
