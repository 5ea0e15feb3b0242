/* SPDX-License-Identifier: MIT */
/* How much of what comes belongs to a body, however it is cut into pieces. */
#include "proxy/body.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static const struct {
	enum http_framing framing;
	uint64_t length;
	const char *bytes;
	size_t take;
	bool done, bad;
} rows[] = {
    {HTTP_BODY_NONE, 0, "GET", 0, true, false},
    {HTTP_BODY_LENGTH, 5, "hello", 5, true, false},
    {HTTP_BODY_LENGTH, 5, "hello, next", 5, true, false},
    {HTTP_BODY_LENGTH, 50, "hello", 5, false, false},
    {HTTP_BODY_CHUNKED, 0, "5\r\nhello\r\n0\r\n\r\nnext", 15, true, false},
    {HTTP_BODY_CHUNKED, 0, "5\r\nhel", 6, false, false},
    {HTTP_BODY_CHUNKED, 0, "5\nhello", 2, false, true}, /* up to the byte that is wrong */
    {HTTP_BODY_UNTIL_CLOSE, 0, "whatever comes", 14, false, false},
};

static void check(size_t row, size_t piece)
{
	struct body b = {.framing = rows[row].framing, .left = rows[row].length};
	size_t n = strlen(rows[row].bytes), taken = 0;

	for (size_t at = 0; at < n && !b.done && !body_is_bad(&b); at += piece) {
		size_t size = n - at < piece ? n - at : piece, take = body_take(&b, rows[row].bytes + at, size);

		assert_true(take <= size);
		taken += take;
		if (take < size)
			break;
	}
	assert_int_equal(taken, rows[row].take);
	assert_int_equal(b.done, rows[row].done);
	assert_int_equal(body_is_bad(&b), rows[row].bad);
}

static void test_take(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		for (size_t piece = 1; piece < 24; piece++)
			check(i, piece);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_take)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
