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

static void test_way_back(void **state)
{
	static const char *const nothing[] = {"",
	                                      "2025",
	                                      "2025-11-27 14:03:12Z",
	                                      "2025-11-27T14:03:12",
	                                      "2025-11-27T14:03:12.5Z",
	                                      "2025-11-27T14:03:12.000Zx",
	                                      "2025-13-27T14:03:12Z"};
	uint64_t wall_us;

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
		if (cases[i].text[0] != '\0') {
			assert_true(time_text_read(cases[i].text, &wall_us));
			assert_int_equal(wall_us, cases[i].wall_us / 1000 * 1000);
		}
	assert_true(time_text_read("2025-11-27T14:03:12Z", &wall_us));
	assert_int_equal(wall_us, UINT64_C(1764252192000000));
	for (size_t i = 0; i < sizeof nothing / sizeof nothing[0]; i++)
		assert_false(time_text_read(nothing[i], &wall_us));
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_text), cmocka_unit_test(test_way_back)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
