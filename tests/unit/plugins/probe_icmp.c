/* SPDX-License-Identifier: MIT */
/* Echo requests and replies. */
#include "probe_icmp/echo_message.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* What a hop makes of it: the same, with another type. */
static void reply_make(bool v6, uint16_t number, unsigned char out[ECHO_BYTES])
{
	echo_request(v6, number, out);
	assert_int_equal(out[0], v6 ? 128 : 8);
	out[0] = v6 ? 129 : 0;
	out[4] = 0x12; /* the kernel's identifier and checksum */
	out[2] = 0x34;
}

static void test_a_reply(void **state)
{
	static const uint16_t numbers[] = {0, 1, 255, 256, 65535};

	(void)state;
	for (size_t i = 0; i < 2 * sizeof numbers / sizeof numbers[0]; i++) {
		unsigned char message[ECHO_BYTES];
		bool v6 = i % 2 == 1;
		uint16_t number = 77;

		reply_make(v6, numbers[i / 2], message);
		assert_true(echo_reply(v6, message, sizeof message, &number));
		assert_int_equal(number, numbers[i / 2]);
		assert_false(echo_reply(!v6, message, sizeof message, &number));
	}
}

static void test_what_is_none(void **state)
{
	unsigned char message[ECHO_BYTES];
	uint16_t number;

	(void)state;
	echo_request(false, 1, message);
	assert_false(echo_reply(false, message, sizeof message, &number)); /* our own */
	reply_make(false, 1, message);
	assert_false(echo_reply(false, message, sizeof message - 1, &number));
	assert_false(echo_reply(false, message, 0, &number));
	message[1] = 1;
	assert_false(echo_reply(false, message, sizeof message, &number));
	reply_make(false, 1, message);
	message[9] ^= 1; /* somebody else's */
	assert_false(echo_reply(false, message, sizeof message, &number));
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_a_reply), cmocka_unit_test(test_what_is_none)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
