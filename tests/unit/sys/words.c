/* SPDX-License-Identifier: MIT */
/* Words in a text. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "sys/words.h"

static const struct {
	const char *words, *word;
	bool have;
} cases[] = {
    {NULL, "pairing", false},
    {"", "pairing", false},
    {"pairing", "pairing", true},
    {"sessions pairing", "pairing", true},
    {" pairing  sessions ", "sessions", true},
    {"pairings repairing", "pairing", false},
    {"pair", "pairing", false},
    {"pairing sessions", "pairing sessions", false},
};

static void test_have(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
		if (words_have(cases[i].words, cases[i].word) != cases[i].have)
			fail_msg("\"%s\" in \"%s\"", cases[i].word, cases[i].words);
}

static void test_next(void **state)
{
	const char *at = "  /probe/ws /probe/healthz ";
	char word[8];

	(void)state;
	assert_true(word_next(&at, word, sizeof word));
	assert_string_equal(word, "/probe/"); /* cut */
	assert_true(word_next(&at, word, sizeof word));
	assert_false(word_next(&at, word, sizeof word));
	assert_string_equal(at, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_have), cmocka_unit_test(test_next)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
