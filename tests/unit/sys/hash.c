/* SPDX-License-Identifier: MIT */
/* FNV-1a against the published test vectors. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tbl/hash.h"

static const struct {
	const char *text;
	uint64_t hash;
} cases[] = {
    {"", UINT64_C(0xcbf29ce484222325)},
    {"a", UINT64_C(0xaf63dc4c8601ec8c)},
    {"foobar", UINT64_C(0x85944171f73967e8)},
};

static void test_vectors(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		assert_int_equal(hash_text(HASH_START, cases[i].text), cases[i].hash);
		assert_int_equal(hash_bytes(HASH_START, cases[i].text, strlen(cases[i].text)), cases[i].hash);
	}
}

static void test_goes_on(void **state)
{
	(void)state;
	assert_int_equal(hash_text(hash_text(HASH_START, "foo"), "bar"), hash_text(HASH_START, "foobar"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_vectors), cmocka_unit_test(test_goes_on)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
