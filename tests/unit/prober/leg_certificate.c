/* SPDX-License-Identifier: MIT */
/* What a certificate is, by the days that it has left. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "prober/leg_certificate.h"

#define DAY UINT64_C(86400000000)
#define NOW UINT64_C(1800000000000000)

static void test_states(void **state)
{
	static const struct {
		uint64_t until_us, days;
		enum certificate_state is;
	} rows[] = {
	    {NOW - DAY, 14, CERTIFICATE_EXPIRED},
	    {NOW, 14, CERTIFICATE_EXPIRED},
	    {NOW, 0, CERTIFICATE_EXPIRED},
	    {NOW + 1, 0, CERTIFICATE_GOOD},
	    {NOW + 1, 14, CERTIFICATE_EXPIRING},
	    {NOW + 14 * DAY - 1, 14, CERTIFICATE_EXPIRING},
	    {NOW + 14 * DAY, 14, CERTIFICATE_GOOD},
	    {NOW + 90 * DAY, 14, CERTIFICATE_GOOD},
	    {NOW + 90 * DAY, 365, CERTIFICATE_EXPIRING},
	    {UINT64_MAX, 3650, CERTIFICATE_GOOD},
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		assert_int_equal(certificate_classify(rows[i].until_us, NOW, rows[i].days), rows[i].is);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_states)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
