/* SPDX-License-Identifier: MIT */
/* Frames followed, whole or byte by byte, masked or not; what is no frame is garbage for good. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "net/ws_frames.h"

struct frames_case {
	const char *bytes;
	size_t n;
	uint64_t messages;
	bool closed, garbage, boundary;
	unsigned code;
};

#define BYTES(b) b, sizeof b - 1

static const struct frames_case cases[] = {
    {BYTES(""), 0, false, false, true, 0},
    {BYTES("\x81\x02hi"), 1, false, false, true, 0},
    {BYTES("\x81\x02h"), 1, false, false, false, 0},
    {BYTES("\x81"), 0, false, false, false, 0},
    {BYTES("\x81\x00\x81\x00\x82\x01x"), 3, false, false, true, 0},
    {BYTES("\x01\x02he\x00\x01l\x80\x02lo"), 1, false, false, true, 0}, /* fragments are one message */
    {BYTES("\x89\x02hi\x8a\x00"), 0, false, false, true, 0},            /* ping and pong are none */
    {BYTES("\x81\x82\x01\x02\x03\x04ik"), 1, false, false, true, 0},
    {BYTES("\xc1\x02hi"), 1, false, false, true, 0}, /* RSV1: permessage-deflate */
    {BYTES("\x88\x02\x03\xe8"), 0, true, false, true, 1000},
    {BYTES("\x88\x05\x03\xf1why"), 0, true, false, true, 1009},
    {BYTES("\x88\x82\x01\x02\x03\x04\x02\xea"), 0, true, false, true, 1000},
    {BYTES("\x88\x00"), 0, true, false, true, 0},
    {BYTES("\x88\x80\x01\x02\x03\x04"), 0, true, false, true, 0},
    {BYTES("\x81\x01x\x88\x02\x03\xe9"), 1, true, false, true, 1001},
    {BYTES("\x88\x00HTTP/1.1 503 Service Unavailable\r\n\r\n"), 0, true, false, true, 0}, /* t3's goodbye */
    {BYTES("\x88\x02\x03\xe8\x88\x02\x03\xf1\x81\x00"), 0, true, false, true, 1000},      /* the first one counts */
    {BYTES("\x83\x01x"), 0, false, true, false, 0},                                       /* an opcode that is none */
    {BYTES("\x89\x7e\x01\x00"), 0, false, true, false, 0},                                /* a ping of 256 bytes */
    {BYTES("\x82\x7f\x80\0\0\0\0\0\0\0"), 0, false, true, false, 0},                      /* longer than can be */
};

static void compare(const struct frames_case *c, const struct ws_frames *f, size_t i)
{
	bool boundary = ws_frames_at_boundary(f);

	if (f->messages != c->messages || f->closed != c->closed || f->garbage != c->garbage)
		fail_msg("case %zu: %u messages, closed %d, garbage %d", i, (unsigned)f->messages, f->closed,
		         f->garbage);
	if (!c->garbage)
		assert_int_equal(boundary, c->boundary);
	assert_int_equal(f->close_code, c->code);
}

static void test_cases(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct ws_frames whole = {0}, bytes = {0};

		ws_frames_read(&whole, cases[i].bytes, cases[i].n, NULL, NULL);
		compare(&cases[i], &whole, i);
		for (size_t k = 0; k < cases[i].n; k++)
			ws_frames_read(&bytes, cases[i].bytes + k, 1, NULL, NULL);
		compare(&cases[i], &bytes, i);
	}
}

/* Every length form, masked and not, followed by a frame that must be seen as one. */
static void test_lengths(void **state)
{
	static const size_t lengths[] = {0, 1, 125, 126, 127, 65535, 65536, 200000};
	static uint8_t bytes[200100];

	(void)state;
	for (size_t i = 0; i < 2 * sizeof lengths / sizeof lengths[0]; i++) {
		uint64_t len = lengths[i / 2];
		uint8_t mask = (uint8_t)(i % 2 * 0x80);
		struct ws_frames f = {0};
		size_t n = 2;

		memset(bytes, 0x88, sizeof bytes); /* a payload that looks like close frames */
		bytes[0] = 0x82;
		bytes[1] = (uint8_t)(mask | (len < 126 ? len : len < 65536 ? 126 : 127));
		for (int shift = len < 126 ? -8 : len < 65536 ? 8 : 56; shift >= 0; shift -= 8)
			bytes[n++] = (uint8_t)(len >> shift);
		n += (mask ? 4 : 0) + (size_t)len;
		ws_frames_read(&f, bytes, n, NULL, NULL);
		assert_true(ws_frames_at_boundary(&f));
		ws_frames_read(&f, "\x81\x00\x88\x02\x03\xe8", 6, NULL, NULL);
		assert_int_equal(f.messages, 2);
		assert_int_equal(f.close_code, 1000);
		assert_false(f.garbage);
	}
}

/* Once it is garbage nothing that follows means anything. */
static void test_garbage_stays(void **state)
{
	struct ws_frames f = {0};

	(void)state;
	ws_frames_read(&f, "\x83\x00\x88\x02\x03\xe8", 6, NULL, NULL);
	ws_frames_read(&f, "\x88\x02\x03\xe8", 4, NULL, NULL);
	assert_true(f.garbage);
	assert_false(f.closed);
	assert_int_equal(f.close_code, 0);
}

/* Nobody asks for more than whether there were any, and how many of few. */
static void test_count_stays_at_its_end(void **state)
{
	struct ws_frames f = {.messages = UINT32_MAX - 1};

	(void)state;
	ws_frames_read(&f, "\x81\x00\x81\x00", 4, NULL, NULL);
	ws_frames_read(&f, "\x81", 1, NULL, NULL);
	ws_frames_read(&f, "\x00", 1, NULL, NULL);
	assert_int_equal(f.messages, UINT32_MAX);
}

/* ---- small frames ------------------------------------------------------------------------------ */

static void small_note(void *arg, uint8_t first, const uint8_t *payload, size_t len)
{
	char *seen = arg;

	snprintf(seen + strlen(seen), 200 - strlen(seen), "%02x:%.*s ", first, (int)len, (const char *)payload);
}

static void test_small_frames(void **state)
{
	static const char bytes[] = "\x81\x02hi"                 /* whole */
	                            "\x81\x82\x01\x02\x03\x04ik" /* masked */
	                            "\x81\x98\x01\x02\x03\x04"
	                            "````dddlhhhhllltppppttt|" /* masked, and as long as can be */
	                            "\xc1\x18"
	                            "123456789012345678901234" /* the largest that counts as small */
	                            "\x81\x19"
	                            "1234567890123456789012345" /* one byte more */
	                            "\x89\x01p"                 /* not data */
	                            "\x01\x01"
	                            "a"
	                            "\x80\x01"
	                            "b" /* parts */
	                            "\x82\x00";
	static const char expected[] =
	    "81:hi 81:hi 81:abcdefghijklmnopqrstuvwx c1:123456789012345678901234 01:a 80:b 82: ";
	char whole[200] = "", single[200] = "";
	struct ws_frames f = {0}, g = {0};

	(void)state;
	ws_frames_read(&f, bytes, sizeof bytes - 1, small_note, whole);
	for (size_t i = 0; i < sizeof bytes - 1; i++)
		ws_frames_read(&g, bytes + i, 1, small_note, single);
	assert_string_equal(whole, expected);
	assert_string_equal(single, expected);
}

/* What another process left is followed only if it could be true: no byte goes beyond its field. */
static void test_forged(void **state)
{
	const struct {
		struct ws_frames f;
		bool valid;
	} rows[] = {
	    {{0}, true},
	    {{.head = {0x81, 0x05}, .head_len = 2, .payload_left = 5}, true},
	    {{.head = {0x81, 0x05}, .head_len = 2, .payload_left = 2, .small_len = 3}, true},
	    {{.head = {0x82, 0x7f}, .head_len = 10, .payload_left = UINT64_C(1) << 62}, true},
	    {{.head_len = 3}, false},
	    {{.head_len = 200}, false},
	    {{.head = {0x81, 0x05}, .head_len = 7}, false},
	    {{.small_len = WS_SMALL_MAX + 1}, false},
	    {{.close_len = 3}, false},
	    {{.head = {0x81, 0x05}, .head_len = 2, .payload_left = 30}, false},
	    {{.head = {0x81, 0x05}, .head_len = 2, .payload_left = UINT64_MAX, .small_len = 3}, false},
	    {{.head = {0x81, 0x05}, .head_len = 2, .payload_left = 20, .small_len = 5}, false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		if (ws_frames_valid(&rows[i].f) != rows[i].valid)
			fail_msg("row %zu", i);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_forged),       cmocka_unit_test(test_cases),
	    cmocka_unit_test(test_lengths),      cmocka_unit_test(test_garbage_stays),
	    cmocka_unit_test(test_small_frames), cmocka_unit_test(test_count_stays_at_its_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
