/* SPDX-License-Identifier: MIT */
/* Short messages are read whole or not at all, and every length of ours is written as RFC 6455 5.2 wants it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "net/ws_short.h"

#define BYTES(b) b, sizeof b - 1

static const struct short_case {
	const char *bytes;
	size_t n;
	const char *payload; /* NULL: it is left to others */
	size_t len, frame_len;
	int op;
} cases[] = {
    {BYTES("\x81\x82\0\0\0\0hi"), BYTES("hi"), 8, 1},
    {BYTES("\x81\x82\x01\x02\x03\x04ik"), BYTES("hi"), 8, 1},
    {BYTES("\x82\x86\x01\x02\x03\x04ikbpxz"), BYTES("hiatyx"), 12, 2},
    {BYTES("\x82\x80\x01\x02\x03\x04"), BYTES(""), 6, 2},
    {BYTES("\x81\x82\0\0\0\0hi\x81\x81"), BYTES("hi"), 8, 1}, /* the next one is not looked at */
    {BYTES("\x82\x83\0\0\0\0a\0b"), BYTES("a\0b"), 9, 2},
    {BYTES("\x81\x83\0\0\0\0a\0b"), BYTES("a\0b"), 9, 1},
    {BYTES("\x81\x84\0\0\0\0\xf0\x9f\x98\x80"), BYTES("\xf0\x9f\x98\x80"), 10, 1},
    {BYTES("\x82\x82\0\0\0\0\xc3\x28"), BYTES("\xc3\x28"), 8, 2}, /* binary is anything */
    {BYTES("\x81\x82\0\0\0\0\xc3\x28"), NULL, 0, 0, 0},           /* no UTF-8 */
    {BYTES("\x81\x83\0\0\0\0\xf0\x9f\x98"), NULL, 0, 0, 0},       /* cut short, and so is what follows */
    {BYTES("\x81\x83\0\0\0\0a\0\xff"), NULL, 0, 0, 0},
    {BYTES(""), NULL, 0, 0, 0},
    {BYTES("\x81"), NULL, 0, 0, 0},
    {BYTES("\x81\x82\0\0\0\0h"), NULL, 0, 0, 0},
    {BYTES("\x81\x02hi\0\0\0\0"), NULL, 0, 0, 0},       /* not masked */
    {BYTES("\x01\x82\0\0\0\0hi"), NULL, 0, 0, 0},       /* a fragment */
    {BYTES("\x80\x82\0\0\0\0hi"), NULL, 0, 0, 0},       /* the last one */
    {BYTES("\xc1\x82\0\0\0\0hi"), NULL, 0, 0, 0},       /* a reserved bit */
    {BYTES("\x83\x82\0\0\0\0hi"), NULL, 0, 0, 0},       /* a reserved opcode */
    {BYTES("\x88\x82\0\0\0\0\x03\xe8"), NULL, 0, 0, 0}, /* close */
    {BYTES("\x89\x80\0\0\0\0"), NULL, 0, 0, 0},         /* ping */
    {BYTES("\x81\xfe\0\x02\0\0\0\0hi"), NULL, 0, 0, 0}, /* a longer form of a short length */
    {BYTES("\x81\xff\0\0\0\0\0\0\0\0"), NULL, 0, 0, 0},
};

static void test_read(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		const struct short_case *c = &cases[i];
		struct ws_short m;
		bool read = ws_short_read(&m, c->bytes, c->n);

		if (read != (c->payload != NULL))
			fail_msg("case %zu: %s", i, read ? "read" : "left");
		if (!read)
			continue;
		assert_int_equal(m.op, c->op);
		assert_int_equal(m.frame_len, c->frame_len);
		assert_int_equal(m.len, c->len);
		assert_memory_equal(m.payload, c->payload, c->len);
		assert_int_equal(m.payload[m.len], 0);
	}
}

/* Each length that there is, at the very end of what can be read. */
static void test_read_lengths(void **state)
{
	(void)state;
	for (size_t len = 0; len <= WS_SHORT_MAX; len++) {
		char *bytes = malloc(6 + len);
		struct ws_short m;

		assert_non_null(bytes);
		memcpy(bytes, "\x82\x00\x11\x22\x33\x44", 6);
		bytes[1] = (char)(0x80 | len);
		for (size_t i = 0; i < len; i++)
			bytes[6 + i] = (char)((char)i ^ bytes[2 + i % 4]);
		assert_false(ws_short_read(&m, bytes, 6 + len - 1));
		assert_true(ws_short_read(&m, bytes, 6 + len));
		assert_int_equal(m.len, len);
		for (size_t i = 0; i < len; i++)
			assert_int_equal(m.payload[i], i);
		free(bytes);
	}
}

static void test_add(void **state)
{
	static const struct {
		size_t len;
		const char *head;
		size_t n;
	} rows[] = {{0, BYTES("\x82\0")},
	            {2, BYTES("\x82\x02")},
	            {125, BYTES("\x82\x7d")},
	            {126, BYTES("\x82\x7e\0\x7e")},
	            {256, BYTES("\x82\x7e\x01\0")},
	            {65535, BYTES("\x82\x7e\xff\xff")},
	            {65536, BYTES("\x82\x7f\0\0\0\0\0\x01\0\0")}};
	char *data = calloc(1, 65536);
	struct buf out = {0};

	(void)state;
	assert_non_null(data);
	memset(data, 'x', 65536);
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		assert_true(ws_frame_add(&out, 2, data, rows[i].len));
		assert_int_equal(buf_len(&out), rows[i].n + rows[i].len);
		assert_memory_equal(buf_at(&out), rows[i].head, rows[i].n);
		assert_memory_equal(buf_at(&out) + rows[i].n, data, rows[i].len);
		buf_clear(&out);
	}
	buf_fini(&out);
	free(data);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_read), cmocka_unit_test(test_read_lengths),
	                                   cmocka_unit_test(test_add)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
