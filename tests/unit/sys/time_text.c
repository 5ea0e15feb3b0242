/* SPDX-License-Identifier: MIT */
/* Moments as text. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "sys/time_text.h"

static const struct {
	uint64_t wall_us;
	const char *text;
} cases[] = {
    {0, "1970-01-01T00:00:00.000Z"},
    {UINT64_C(951782399999999), "2000-02-28T23:59:59.999Z"},
    {UINT64_C(951782400042000), "2000-02-29T00:00:00.042Z"},
    {UINT64_C(253402300799999999), "9999-12-31T23:59:59.999Z"},
    {UINT64_C(253402300800000000), ""},
    {UINT64_MAX, ""},
};

static void test_text(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		char out[TIME_TEXT_SIZE];

		time_text(cases[i].wall_us, out);
		assert_string_equal(out, cases[i].text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_text)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
