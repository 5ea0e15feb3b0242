/* SPDX-License-Identifier: MIT */
/* Chunked bodies: where they end, however they are cut, and what is not one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "net/http_chunked.h"

#define WHOLE SIZE_MAX

struct chunked_case {
	const char *text;
	enum chunked_state state;
	size_t used; /* WHOLE: all of it */
};

static const struct chunked_case cases[] = {
    {"0\r\n\r\n", CHUNKED_DONE, WHOLE},
    {"5\r\nhello\r\n0\r\n\r\n", CHUNKED_DONE, WHOLE},
    {"5\r\nhello\r\n0\r\n\r\nGET / HTTP/1.1\r\n", CHUNKED_DONE, 15},
    {"A\r\n0123456789\r\na\r\n0123456789\r\n0\r\n\r\n", CHUNKED_DONE, WHOLE},
    {"3\r\n\r\n0\r\n0\r\n\r\n", CHUNKED_DONE, WHOLE}, /* data may look like framing */
    {"000\r\n\r\n", CHUNKED_DONE, WHOLE},
    {"5;a=b;c=\"d\"\r\nhello\r\n0;x\r\n\r\n", CHUNKED_DONE, WHOLE},
    {"0\r\nTrailer: x\r\nAnother: y\r\n\r\n", CHUNKED_DONE, WHOLE},
    {"5\r\nhel", CHUNKED_DATA, WHOLE},
    {"5\r\nhello\r\n", CHUNKED_SIZE, WHOLE},
    {"", CHUNKED_SIZE, WHOLE},
    {"\r\n", CHUNKED_BAD, 1},
    {"5\nhello", CHUNKED_BAD, 2},
    {"5 \r\nhello", CHUNKED_BAD, 2},
    {" 5\r\nhello", CHUNKED_BAD, 1},
    {"0x5\r\nhello", CHUNKED_BAD, 2},
    {"-1\r\n", CHUNKED_BAD, 1},
    {"+1\r\n", CHUNKED_BAD, 1},
    {"g\r\n", CHUNKED_BAD, 1},
    {"5\r\nhelloX", CHUNKED_BAD, 9},
    {"5\r\nhello\rX", CHUNKED_BAD, 10},
    {"5\r\nhello\n", CHUNKED_BAD, 9},
    {"5\rX", CHUNKED_BAD, 3},
    {"5;a\nb\r\n", CHUNKED_BAD, 4},
    {"0\r\n folded\r\n\r\n", CHUNKED_BAD, 4},
    {"0\r\n: x\r\n\r\n", CHUNKED_BAD, 4},
    {"0\r\nA: \x01\r\n\r\n", CHUNKED_BAD, 7},
    {"0\r\nA:\r\n\r\n", CHUNKED_DONE, WHOLE},
    {"0\r\nGET / HTTP/1.1\r\n\r\n", CHUNKED_BAD, 7},
    {"0\r\nname\r\n\r\n", CHUNKED_BAD, 8},
    {"0\r\nA : x\r\n\r\n", CHUNKED_BAD, 5},
    {"0\r\na(b): x\r\n\r\n", CHUNKED_BAD, 5},
    {"0\r\n\xc3\xa9: x\r\n\r\n", CHUNKED_BAD, 4},
    {"0\r\n\rX", CHUNKED_BAD, 5},
    {"1234567890123456\r\n", CHUNKED_BAD, 16},
};

static void test_cases(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		const struct chunked_case *c = &cases[i];
		size_t n = strlen(c->text), used;
		struct chunked whole = {0}, bytes = {0};

		used = chunked_read(&whole, c->text, n);
		if (whole.state != c->state || used != (c->used == WHOLE ? n : c->used))
			fail_msg("%s: state %d after %zu, expected %d after %zu", c->text, whole.state, used,
			         c->state, c->used);
		for (size_t k = 0; k < used; k++)
			assert_int_equal(chunked_read(&bytes, c->text + k, 1), 1);
		assert_int_equal(bytes.state, c->state);
		if (c->state == CHUNKED_DONE || c->state == CHUNKED_BAD)
			assert_int_equal(chunked_read(&bytes, "x", 1), 0);
	}
}

/* However it is cut, what the chunks hold comes out. */
static void test_decode(void **state)
{
	const char *text = "3;a=b\r\nabc\r\n10\r\n0123456789ABCDEF\r\n0\r\nX-Sum: 6\r\n\r\nmore";

	(void)state;
	for (size_t step = 1; step <= strlen(text); step++) {
		struct chunked c = {0};
		char out[64], part[128];
		size_t n = 0, used = 0, data, take;

		do {
			size_t have = strlen(text) - used < step ? strlen(text) - used : step;

			memcpy(part, text + used, have);
			take = chunked_decode(&c, part, have, &data);
			memcpy(out + n, part, data);
			n += data;
			used += take;
		} while (c.state != CHUNKED_DONE && take > 0);
		assert_int_equal(c.state, CHUNKED_DONE);
		assert_int_equal(used, strlen(text) - strlen("more"));
		assert_int_equal(n, 19);
		assert_memory_equal(out, "abc0123456789ABCDEF", 19);
	}
}

/* Extensions and trailers cost memory elsewhere: together they are bounded. */
static void test_overhead(void **state)
{
	static const struct {
		const char *start, *filler;
	} endless[] = {{"5;", "x"},         {"0\r\nA: ", "x"}, {"0\r\n", "A: b\r\n"},
	               {"0\r\n", "A:\r\n"}, {"0\r\n", "A"},    {"", "1;aaaa\r\nx\r\n"}};

	(void)state;
	for (size_t i = 0; i < sizeof endless / sizeof endless[0]; i++) {
		struct chunked c = {0};
		size_t n = 0;

		chunked_read(&c, endless[i].start, strlen(endless[i].start));
		while (c.state != CHUNKED_BAD && n < 1 << 20)
			n += chunked_read(&c, endless[i].filler, strlen(endless[i].filler));
		assert_int_equal(c.state, CHUNKED_BAD);
	}
}

static void test_large(void **state)
{
	static char data[65536];
	struct chunked c = {0};
	size_t n = 0;

	(void)state;
	chunked_read(&c, "fffff\r\n", 7);
	while (c.state == CHUNKED_DATA)
		n += chunked_read(&c, data, c.left < sizeof data ? (size_t)c.left : sizeof data);
	assert_int_equal(n, 0xfffff);
	assert_int_equal(chunked_read(&c, "\r\n0\r\n\r\n", 7), 7);
	assert_int_equal(c.state, CHUNKED_DONE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_cases),
	    cmocka_unit_test(test_decode),
	    cmocka_unit_test(test_overhead),
	    cmocka_unit_test(test_large),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
